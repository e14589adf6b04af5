"""Query a judge behind an OpenAI-compatible API, and cache every answer as it arrives.

    JUDGE_BASE_URL=http://localhost:8000/v1 JUDGE_MODEL=my-judge make table1 SCALE=small

    client = JudgeClient(endpoint_from_environment(), Path("runs/judge-calls.sqlite"))
    annotate(outputs, reference, Path("…/alpaca_eval_gpt4"), client)     # eval.alpaca

Requests are sent with OpenAI's Python package, which retries those that the network or the server
loses. Answers are stored in an SQLite file under a hash of the whole request (model, prompt, both
answers, decoding). A rerun therefore sends no request twice, and two processes can share the file.
A request whose answer has no verdict is sent again a few times. If there is still none, the verdict
is missing; it is never counted as a loss or a draw.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
from alpaca_eval.utils import prompt_to_chatml
from tqdm import tqdm

from eval.judge_config import PRICES, Endpoint, JudgeError

MOST_TOKENS = 2**53
"""No request has so many tokens; a server that says so is not believed."""
FAILURES_IN_A_ROW = 10
"""Requests that fail one after the other until the endpoint counts as unreachable."""


@dataclass
class Usage:
    """What the judge's answers to some requests cost, counted over all attempts.

    Args:
        calls: answers received, with a verdict or without.
        prompt_tokens: the sum over these calls.
        completion_tokens: the sum over these calls.
        dollars: the price of these tokens; None if the price of the model is not known.
    """

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    dollars: float | None = 0.0


class JudgeClient:
    """Requests completions from an endpoint, and caches them.

    `usage` is the `Usage` of all requests so far, cached ones included; alpaca-eval sends them in
    parts.

    Args:
        endpoint: the API to query.
        cache: the SQLite file; it is created if it does not exist.
    """

    def __init__(self, endpoint: Endpoint, cache: Path) -> None:
        self.endpoint = endpoint
        self.cache = cache
        self.usage = Usage()
        self._sent: set[str] = set()

    def completions(
        self,
        prompts: Sequence[str],
        model_name: str,
        readable: Callable[[Mapping[str, Any]], bool],
        **request: Any,
    ) -> dict[str, list[Any]]:
        """Return a completion for each prompt; called by alpaca-eval as one of its decoders.

        Args:
            prompts: in ChatML.
            model_name: the model of the judge's configuration.
            readable: whether a completion has a verdict.
            **request: further parameters of the API: max_tokens, temperature, …

        Returns:
            `completions` (texts), `completions_all` (with log-probabilities) and
            `price_per_example` (dollars), each with one entry per prompt; the text is empty where
            there is no verdict.

        Raises:
            JudgeError: the endpoint rejects the key or the model, or does not answer, or the cache
                is damaged.
        """
        model = self.endpoint.model or model_name
        requests = [
            {"model": model, "messages": prompt_to_chatml(prompt.strip()), **request}
            for prompt in prompts
        ]
        keys = [_key(each) for each in requests]
        self.cache.parent.mkdir(parents=True, exist_ok=True)
        with _usable(self.cache), closing(_open(self.cache)) as calls:
            cached = _verdicts(calls, keys)
            missing = {k: r for k, r in zip(keys, requests, strict=True) if k not in cached}
            self._send(calls, missing, readable)
            found = _verdicts(calls, keys)
            prices = self.endpoint.prices or PRICES.get(model)
            self._sent.update(keys)
            self.usage = _usage(calls, self._sent, prices)
            dollars = [_usage(calls, [key], prices).dollars for key in keys]
        empty = {"text": "", "logprobs": None}
        every = [found.get(key, empty) for key in keys]
        return {
            "completions": [completion["text"] for completion in every],
            "completions_all": every,
            "price_per_example": dollars,
        }

    def _send(
        self,
        calls: sqlite3.Connection,
        requests: Mapping[str, dict[str, Any]],
        readable: Callable[[Mapping[str, Any]], bool],
    ) -> None:
        endpoint = self.endpoint
        client = openai.OpenAI(
            api_key=endpoint.key,
            base_url=endpoint.base_url,
            timeout=endpoint.timeout,
            max_retries=endpoint.retries,
        )
        failed = 0
        with ThreadPoolExecutor(endpoint.concurrency) as pool:
            futures: dict[Future[list[dict[str, Any]]], str] = {
                pool.submit(_answers, client, request, readable, endpoint.attempts): key
                for key, request in requests.items()
            }
            try:
                for future in tqdm(as_completed(futures), "judge", len(futures)):
                    try:
                        _store(calls, futures[future], future.result())
                        failed = 0
                    except openai.APIError as error:
                        failed += 1
                        _raise_if_permanent(error, endpoint, requests, failed)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def _answers(
    client: openai.OpenAI,
    request: dict[str, Any],
    readable: Callable[[Mapping[str, Any]], bool],
    attempts: int,
) -> list[dict[str, Any]]:
    """Send one request until an answer has a verdict, and return all answers."""
    answers: list[dict[str, Any]] = []
    for _ in range(attempts):
        try:
            reply: Any = client.chat.completions.create(**request)
        except (ValueError, RecursionError, openai.APIResponseValidationError):
            continue  # The reply is not JSON in UTF-8.
        except openai.APIError:
            if not answers:
                raise
            break  # What was answered is kept and counted; the next request finds the error again.
        try:
            completion, usage = _completion(reply), reply.usage
        except (ValueError, TypeError, AttributeError, LookupError):
            continue  # The reply does not follow the API.
        answers.append(
            {
                "completion": completion,
                "readable": readable(completion),
                "prompt_tokens": _count(getattr(usage, "prompt_tokens", 0)),
                "completion_tokens": _count(getattr(usage, "completion_tokens", 0)),
            }
        )
        if answers[-1]["readable"]:
            break
    return answers


def _completion(reply: Any) -> dict[str, Any]:
    """The first choice of a reply, with its `text`, which is empty where the choice has none.

    The openai package checks nothing: any part of a reply can be of any type.
    """
    first = next(iter(reply.choices or []), None)
    completion = first.model_dump(warnings=False) if first is not None else {}
    message = completion.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    text = content if isinstance(content, str) else ""
    return {"message": {"content": ""}, **completion, "text": text}


def _count(tokens: Any) -> int:
    """A number of tokens; 0 for what is none."""
    whole = isinstance(tokens, int) and not isinstance(tokens, bool)
    return tokens if whole and 0 <= tokens < MOST_TOKENS else 0


def _raise_if_permanent(
    error: openai.APIError, endpoint: Endpoint, requests: Mapping[str, dict[str, Any]], failed: int
) -> None:
    """Raise a JudgeError if further requests to the endpoint would fail too."""
    model = next(iter(requests.values()))["model"]
    kept = "verdicts received so far are kept, and running the same command again continues"
    if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
        raise JudgeError(
            f"{endpoint.name} refused the key ({error.status_code}): check OPENAI_API_KEY; {kept}"
        ) from None
    if isinstance(error, openai.NotFoundError):
        raise JudgeError(
            f"{endpoint.name} does not serve the model {model!r} (404): set JUDGE_MODEL to one "
            f"that it serves, and check JUDGE_BASE_URL; {kept}"
        ) from None
    if failed >= min(FAILURES_IN_A_ROW, len(requests)):
        lost = isinstance(error, openai.APIConnectionError)
        reason = type(error).__name__ if lost else str(error)
        raise JudgeError(
            f"{endpoint.name} no longer answers ({endpoint.hidden(reason)}): is it running? {kept}"
        ) from None


def _key(request: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()


@contextmanager
def _usable(cache: Path) -> Iterator[None]:
    """Name the cache in errors of SQLite."""
    try:
        yield
    except (sqlite3.Error, json.JSONDecodeError) as error:
        raise JudgeError(
            f"{cache}: the judge's answers cannot be read or kept ({error}): check that the disk "
            "has room; if the file is damaged, move it away, and its requests are sent again"
        ) from None


def _open(path: Path) -> sqlite3.Connection:
    calls = sqlite3.connect(path, timeout=120)
    with calls:
        calls.execute(
            "CREATE TABLE IF NOT EXISTS calls (key TEXT, readable INTEGER, completion TEXT, "
            "digest TEXT, prompt_tokens INTEGER, completion_tokens INTEGER)"
        )
        calls.execute("CREATE UNIQUE INDEX IF NOT EXISTS verdict ON calls (key) WHERE readable")
        calls.execute("CREATE INDEX IF NOT EXISTS of_key ON calls (key)")
    return calls


def _store(calls: sqlite3.Connection, key: str, answers: Sequence[Mapping[str, Any]]) -> None:
    """Store answers; if another process has stored a verdict meanwhile, that one is kept."""
    rows = []
    for answer in answers:
        text = json.dumps(answer["completion"])
        tokens = (answer["prompt_tokens"], answer["completion_tokens"])
        rows.append((key, answer["readable"], text, _digest(key, text), *tokens))
    with calls:
        calls.executemany("INSERT OR IGNORE INTO calls VALUES (?, ?, ?, ?, ?, ?)", rows)


def _digest(key: str, completion: str) -> str:
    """What tells an answer that was changed in the file, which SQLite itself does not notice."""
    return hashlib.sha256(f"{key} {completion}".encode()).hexdigest()


def _verdicts(calls: sqlite3.Connection, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    found = {}
    kept = "SELECT completion, digest FROM calls WHERE key = ? AND readable"
    for key in keys:
        for completion, digest in calls.execute(kept, (key,)):
            if digest != _digest(key, completion):
                raise sqlite3.DatabaseError("an answer in it was changed")
            found[key] = json.loads(completion)
    return found


def _usage(
    calls: sqlite3.Connection, keys: Iterable[str], prices: tuple[float, float] | None
) -> Usage:
    total = Usage()
    for key in set(keys):
        for prompt_tokens, completion_tokens in calls.execute(
            "SELECT prompt_tokens, completion_tokens FROM calls WHERE key = ?", (key,)
        ):
            total.calls += 1
            total.prompt_tokens += _count(prompt_tokens)
            total.completion_tokens += _count(completion_tokens)
    if prices is None:
        total.dollars = None
    else:
        total.dollars = (
            total.prompt_tokens * prices[0] + total.completion_tokens * prices[1]
        ) / 1e6
    return total
