"""Ask a judge behind an OpenAI-compatible API; every answer is kept as it arrives.

    JUDGE_BASE_URL=http://localhost:8000/v1 JUDGE_MODEL=my-judge make table1 SCALE=small

    asker = Asker(server_from_environment(), Path("runs/judge-calls.sqlite"))
    annotate(outputs, reference, Path("…/alpaca_eval_gpt4"), asker)      # eval.alpaca

The official client does the asking and repeats what the network or the server loses. Answers lie
in an SQLite file under a hash of the whole request (judge, its prompt, both answers, decoding): a
rerun asks for nothing twice, and two processes may share the file. An answer that holds no verdict
is asked for again a few times and is missing after that: never a loss, never a draw.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openai
from alpaca_eval.utils import prompt_to_chatml
from tqdm import tqdm

PRICES = {
    "gpt-4": (30.0, 60.0),
    "gpt-4-0314": (30.0, 60.0),
    "gpt-4-0613": (30.0, 60.0),
    "gpt-4-1106-preview": (10.0, 30.0),
    "gpt-3.5-turbo-0301": (2.0, 2.0),
}
"""Dollars for a million tokens of prompt and of completion, when the paper was written."""

FAILURES_IN_A_ROW = 10


class JudgeError(RuntimeError):
    """The judge cannot be used, or gave no verdict where one is needed; the message says which."""


@dataclass(frozen=True)
class Server:
    """Where the judge is, and how it is asked.

    Args:
        base_url: of any OpenAI-compatible server (vLLM, Ollama, llama.cpp); None for OpenAI's own.
        model: in place of the one in the judge's configuration.
        key: what the server wants to see; shown nowhere.
        prices: dollars for a million tokens of prompt and of completion; None takes `PRICES`.
        concurrency: requests at a time.
        timeout: seconds until a request is given up and sent again.
        retries: how often a lost request is sent again.
        attempts: how often an answer is asked for until it holds a verdict.
    """

    base_url: str | None = None
    model: str | None = None
    key: str = field(default="", repr=False)
    prices: tuple[float, float] | None = None
    concurrency: int = 8
    timeout: float = 60.0
    retries: int = 8
    attempts: int = 3

    @property
    def name(self) -> str:
        """What errors call it."""
        return self.base_url or "OpenAI's API"


def server_from_environment() -> Server:
    """The server that JUDGE_BASE_URL, JUDGE_MODEL, JUDGE_PRICES and OPENAI_API_KEY describe.

    Raises:
        JudgeError: OpenAI's own server without a key, or prices that are not two numbers.
    """
    base_url, key = os.environ.get("JUDGE_BASE_URL"), os.environ.get("OPENAI_API_KEY", "")
    if not key and not base_url:
        raise JudgeError(
            "this judge is asked over OpenAI's API: set OPENAI_API_KEY, or JUDGE_BASE_URL and "
            "JUDGE_MODEL for a server of your own"
        )
    prices = os.environ.get("JUDGE_PRICES")
    try:
        both = tuple(map(float, prices.split())) if prices else None
        if both is not None and len(both) != 2:
            raise ValueError
    except ValueError:
        raise JudgeError(
            "JUDGE_PRICES must be two numbers, the dollars for a million tokens of prompt and of "
            f"completion, not {prices!r}"
        ) from None
    return Server(base_url, os.environ.get("JUDGE_MODEL"), key or "none", both)


@dataclass
class Spent:
    """What the answers to some requests cost, whenever they were given.

    Args:
        calls: answers that came, with a verdict or without.
        prompt_tokens: in all of them.
        completion_tokens: in all of them.
        dollars: None where the model's price is not known.
    """

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    dollars: float | None = 0.0


class Asker:
    """Asks a server for completions, and remembers them.

    Args:
        server: where the judge is.
        cache: the SQLite file.
    """

    def __init__(self, server: Server, cache: Path) -> None:
        self.server = server
        self.cache = cache
        self.spent = Spent()

    def completions(
        self,
        prompts: Sequence[str],
        model_name: str,
        readable: Callable[[Mapping[str, Any]], bool],
        **request: Any,
    ) -> dict[str, list[Any]]:
        """Completions in the form that alpaca-eval's decoders have; it calls this.

        Args:
            prompts: in ChatML.
            model_name: of the configuration.
            readable: whether a completion holds a verdict.
            **request: what else the API is given: max_tokens, temperature, …

        Returns:
            `completions` (texts), `completions_all` (with log-probabilities) and
            `price_per_example` of each prompt; an empty text where there is no verdict.

        Raises:
            JudgeError: the server refuses the key or the model, or no longer answers.
        """
        model = self.server.model or model_name
        asked = [
            {"model": model, "messages": prompt_to_chatml(prompt.strip()), **request}
            for prompt in prompts
        ]
        keys = [_key(each) for each in asked]
        self.cache.parent.mkdir(parents=True, exist_ok=True)
        with closing(_open(self.cache)) as calls:
            there = _verdicts(calls, keys)
            missing = {k: r for k, r in zip(keys, asked, strict=True) if k not in there}
            self._ask(calls, missing, readable)
            found = _verdicts(calls, keys)
            prices = self.server.prices or PRICES.get(model)
            self.spent = _spent(calls, keys, prices)
            each = [_spent(calls, [key], prices).dollars for key in keys]
        empty = {"text": "", "logprobs": None}
        every = [found.get(key, empty) for key in keys]
        return {
            "completions": [completion["text"] for completion in every],
            "completions_all": every,
            "price_per_example": each,
        }

    def _ask(
        self,
        calls: sqlite3.Connection,
        requests: Mapping[str, dict[str, Any]],
        readable: Callable[[Mapping[str, Any]], bool],
    ) -> None:
        server = self.server
        client = openai.OpenAI(
            api_key=server.key,
            base_url=server.base_url,
            timeout=server.timeout,
            max_retries=server.retries,
        )
        failed = 0
        with ThreadPoolExecutor(server.concurrency) as pool:
            futures: dict[Future[list[dict[str, Any]]], str] = {
                pool.submit(_answers, client, request, readable, server.attempts): key
                for key, request in requests.items()
            }
            try:
                for future in tqdm(as_completed(futures), "asking the judge", len(futures)):
                    try:
                        _keep(calls, futures[future], future.result())
                        failed = 0
                    except openai.APIError as error:
                        failed += 1
                        _stop_where_asking_on_is_no_use(error, server, requests, failed)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def _answers(
    client: openai.OpenAI,
    request: dict[str, Any],
    readable: Callable[[Mapping[str, Any]], bool],
    attempts: int,
) -> list[dict[str, Any]]:
    """What came back, up to the first answer with a verdict."""
    answers: list[dict[str, Any]] = []
    for _ in range(attempts):
        try:
            reply = client.chat.completions.create(**request)
            usage, choices = reply.usage, reply.choices or []
        except (json.JSONDecodeError, openai.APIResponseValidationError, AttributeError):
            continue  # a reply that is no JSON, or none of the API's
        completion = choices[0].model_dump() if choices else {"message": {"content": ""}}
        completion["text"] = completion["message"]["content"] or ""
        answers.append(
            {
                "completion": completion,
                "readable": readable(completion),
                "prompt_tokens": usage.prompt_tokens if usage else 0,
                "completion_tokens": usage.completion_tokens if usage else 0,
            }
        )
        if answers[-1]["readable"]:
            break
    return answers


def _stop_where_asking_on_is_no_use(
    error: openai.APIError, server: Server, requests: Mapping[str, dict[str, Any]], failed: int
) -> None:
    model = next(iter(requests.values()))["model"]
    kept = "verdicts that came are kept; the same command goes on"
    if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
        raise JudgeError(
            f"{server.name} refused the key ({error.status_code}): check OPENAI_API_KEY; {kept}"
        ) from None
    if isinstance(error, openai.NotFoundError):
        raise JudgeError(
            f"{server.name} does not serve the model {model!r} (404): name one that it serves in "
            f"JUDGE_MODEL, and check JUDGE_BASE_URL; {kept}"
        ) from None
    if failed >= min(FAILURES_IN_A_ROW, len(requests)):
        told = type(error).__name__ if isinstance(error, openai.APIConnectionError) else str(error)
        told = told.replace(server.key, "…") if server.key else told
        raise JudgeError(
            f"{server.name} no longer answers ({told}): is it running? {kept}"
        ) from None


def _key(request: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()


def _open(path: Path) -> sqlite3.Connection:
    calls = sqlite3.connect(path, timeout=120)
    with calls:
        calls.execute(
            "CREATE TABLE IF NOT EXISTS calls (key TEXT, readable INTEGER, completion TEXT, "
            "prompt_tokens INTEGER, completion_tokens INTEGER)"
        )
        calls.execute("CREATE UNIQUE INDEX IF NOT EXISTS verdict ON calls (key) WHERE readable")
        calls.execute("CREATE INDEX IF NOT EXISTS of_key ON calls (key)")
    return calls


def _keep(calls: sqlite3.Connection, key: str, answers: Sequence[Mapping[str, Any]]) -> None:
    """Of a verdict that another process was given meanwhile, the first one stays."""
    with calls:
        calls.executemany(
            "INSERT OR IGNORE INTO calls VALUES (?, ?, ?, ?, ?)",
            [
                (
                    key,
                    answer["readable"],
                    json.dumps(answer["completion"]),
                    answer["prompt_tokens"],
                    answer["completion_tokens"],
                )
                for answer in answers
            ],
        )


def _verdicts(calls: sqlite3.Connection, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    found = {}
    for key in keys:
        row = calls.execute("SELECT completion FROM calls WHERE key = ? AND readable", (key,))
        for (completion,) in row:
            found[key] = json.loads(completion)
    return found


def _spent(
    calls: sqlite3.Connection, keys: Sequence[str], prices: tuple[float, float] | None
) -> Spent:
    total = Spent()
    for key in set(keys):
        for read, written in calls.execute(
            "SELECT prompt_tokens, completion_tokens FROM calls WHERE key = ?", (key,)
        ):
            total.calls += 1
            total.prompt_tokens += read
            total.completion_tokens += written
    if prices is None:
        total.dollars = None
    else:
        total.dollars = (
            total.prompt_tokens * prices[0] + total.completion_tokens * prices[1]
        ) / 1e6
    return total
