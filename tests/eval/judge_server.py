"""A real HTTP server that plays OpenAI's API: the longer answer wins, and much goes wrong.

    with judge_server(faults=("429", "dropped"), share=0.3) as server:
        server.url, server.given, server.calls

The server keeps its own count: `given` has the number of verdicts that were sent completely.
"""

from __future__ import annotations

import json
import math
import random
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-secret-of-the-test"
REFUSALS: dict[str, tuple[int, dict[str, str]]] = {
    "429": (429, {"Retry-After": "0.2"}),
    "429 without Retry-After": (429, {}),
    "429 with Retry-After in words": (429, {"Retry-After": "soon"}),
    "429 with Retry-After in the past": (429, {"Retry-After": "-5"}),
    "429 with Retry-After tomorrow": (429, {"Retry-After": "86400"}),
    "500": (500, {}),
    "502": (502, {}),
    "503": (503, {"Retry-After": "0.1"}),
    "529": (529, {}),
}
"""Status and headers of replies that say that there is none now."""
ODD_REPLIES = {
    "message is null": b'{"choices": [{"message": null}]}',
    "message is text": b'{"choices": [{"message": "hello"}]}',
    "content is a list": b'{"choices": [{"message": {"content": [1]}}]}',
    "choice is null": b'{"choices": [null]}',
    "choice is text": b'{"choices": ["hello"]}',
    "choices are null": b'{"choices": null}',
    "choices are a number": b'{"choices": 7}',
    "not UTF-8": b'{"choices": [{"message": {"content": "\xff\xfe"}}]}',
    "a list": b"[1, 2]",
    "null": b"null",
    "text": b'"hello"',
    "empty": b"",
    "nested deeply": b"[" * 100_000,
    "a web page": b"<html>Bad gateway</html>",
}
"""Replies with status 200 that do not follow the API."""
NO_VERDICTS = (
    *("Both are fine answers.", "", "null", "[]", "[1, 2]", "1", "True", "nan", "(" * 3000),
    *("['model_1'] * 10**10", "__import__('os').abort()", "[{'model': 'model_1'}]"),
    "[{'model': 'model_1', 'rank': 3}, {'model': 'model_2', 'rank': 4}]",
    "[{'model': 'model_1', 'rank': 2}, {'model': 'model_2', 'rank': 3}]",
    "[{'model': 'model_1', 'rank': 1}, {'model': 'model_1', 'rank': 2}]",
    "[{'model': 'model_1', 'rank': 1}]",
    "[{'model': 'model_1', 'rank': '1'}, {'model': 'model_2', 'rank': '2'}]",
    "[{'model': 'model_1', 'rank': None}, {'model': 'model_2', 'rank': [1]}]",
    "[{'model': 'model_3', 'rank': 1}, {'model': 'model_4', 'rank': 2}]",
    "[{'model': 'model_1', 'rank': 1}, {'model': 'model_2', 'ran",
    "Sure! [{'model': 'model_1', 'rank': 1}, {'model': 'model_2', 'rank': 2}]",
)
"""What a judge of rankings can say that is neither verdict."""
HARMLESS = ("odd usage", "wrong type")
"""Faults of a reply that has a verdict: of its tokens, or that it calls itself a web page."""
FAULTS = (
    *REFUSALS,
    *ODD_REPLIES,
    *("dropped", "stalled", "not JSON", "cut", "wrong encoding"),
    "no choice",
    *NO_VERDICTS,
    *HARMLESS,
)
"""All that can go wrong with a call."""
ODD_USAGES: tuple[Any, ...] = (
    None,
    "many",
    7,
    [],
    {},
    {"prompt_tokens": None, "completion_tokens": None},
    {"prompt_tokens": "a hundred", "completion_tokens": [1]},
    {"prompt_tokens": -5, "completion_tokens": True},
    {"prompt_tokens": 10**30, "completion_tokens": 1.5},
)
STALL = 60.0
ANSWERS = re.compile(r'"(?:answer|output)": """(.*?)"""', re.DOTALL)


@dataclass
class JudgeServer:
    """What the server did.

    Args:
        url: to give to the client.
        faults: what may go wrong.
        share: of the calls that go wrong.
        usage: what is said of the tokens.
        ranks: that are given without a look at the answers; None where the longer one wins.
        asked: the messages of every request.
        calls: how many came with the right key and for a model that there is.
        refused: how many others came.
        faulted: how many went wrong, by fault.
        given: by the winner's and the loser's text, how many verdicts were given.
        told: how many replies were sent that say how many tokens they took.
        stop: set when the server is to end.
    """

    url: str = ""
    faults: Sequence[str] = ()
    share: float = 0.0
    usage: Any = field(
        default_factory=lambda: {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    )
    ranks: tuple[int, int] | None = None
    asked: list[list[dict[str, Any]]] = field(default_factory=list)
    calls: int = 0
    refused: int = 0
    faulted: dict[str, int] = field(default_factory=dict)
    given: dict[tuple[str, str], int] = field(default_factory=dict)
    told: int = 0
    stop: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    chance: random.Random = field(default_factory=lambda: random.Random(0))

    def next_fault(self) -> str | None:
        """What goes wrong with this call, if anything."""
        with self.lock:
            self.calls += 1
            if self.chance.random() >= self.share:
                return None
            fault = self.faults[sum(self.faulted.values()) % len(self.faults)]
            self.faulted[fault] = self.faulted.get(fault, 0) + 1
            return fault


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        """Answer one request for a chat completion."""
        does: JudgeServer = self.server.does
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers["Authorization"] != f"Bearer {KEY}":
            does.refused += 1
            return self._send(401, {"error": {"message": f"wrong key {KEY[:8]}"}})
        if request["model"] == "retired":
            does.refused += 1
            return self._send(404, {"error": {"message": "no such model"}})
        fault = does.next_fault()
        does.asked.append(request["messages"])
        good = self._reply(request, _verdict(request, does.ranks))
        match fault:
            case str() if fault in REFUSALS:
                status, headers = REFUSALS[fault]
                return self._send(status, {"error": {"message": "not now"}}, headers)
            case "dropped":
                self.close_connection = True
                return self.connection.close()
            case "stalled":
                does.stop.wait(STALL)
                self.close_connection = True
                return None
            case "not JSON":
                return self._raw(200, b'{"choices": [', {})
            case "cut":
                self.close_connection = True
                return self._raw(200, json.dumps(good).encode()[:-20], {}, missing=20)
            case "wrong encoding":
                return self._send(200, good, {"Content-Encoding": "gzip"})
            case str() if fault in ODD_REPLIES:
                page = fault == "a web page"
                return self._raw(
                    200, ODD_REPLIES[fault], {"Content-Type": "text/html"} if page else {}
                )
            case "no choice":
                good["choices"] = []
            case str() if fault in NO_VERDICTS:
                good["choices"][0]["message"]["content"] = fault
            case "odd usage":
                good["usage"] = ODD_USAGES[does.faulted[fault] % len(ODD_USAGES)]
        self._send(200, good, {"Content-Type": "text/html"} if fault == "wrong type" else {})
        with does.lock:
            does.told += fault != "odd usage"
            if fault in (None, *HARMLESS) and does.ranks is None:
                winner, loser = sorted(_answers(request), key=len, reverse=True)
                does.given[winner, loser] = does.given.get((winner, loser), 0) + 1
        return None

    def _reply(self, request: dict[str, Any], content: str) -> dict[str, Any]:
        choice: dict[str, Any] = {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": content},
            "logprobs": None,
        }
        if request.get("logprobs"):
            likely = [(content, 0.9), ("M" if content == "m" else "m", 0.1)]
            tops = [{"token": t, "logprob": math.log(p), "bytes": None} for t, p in likely]
            choice["logprobs"] = {"content": [{**tops[0], "top_logprobs": tops}]}
        return {
            "id": "x",
            "object": "chat.completion",
            "created": 0,
            "model": request["model"],
            "choices": [choice],
            "usage": self.server.does.usage,
        }

    def _send(
        self, status: int, reply: dict[str, Any], headers: dict[str, str] | None = None
    ) -> None:
        self._raw(status, json.dumps(reply).encode(), headers or {})

    def _raw(self, status: int, body: bytes, headers: dict[str, str], missing: int = 0) -> None:
        self.send_response(status)
        for name, value in ({"Content-Type": "application/json"} | headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) + missing))
        self.end_headers()
        self.wfile.write(body)


def _answers(request: dict[str, Any]) -> tuple[str, str]:
    first, second = ANSWERS.findall(request["messages"][-1]["content"])
    return first, second


def _verdict(request: dict[str, Any], ranks: tuple[int, int] | None) -> str:
    """The verdict in the words of the judge whose prompt this is."""
    if ranks is None:
        first, second = _answers(request)
        ranks = (1, 2) if len(first) > len(second) else (2, 1)
    if request.get("logprobs"):
        return "m" if ranks == (1, 2) else "M"
    if "just say Output (a) or Output (b)" in request["messages"][-1]["content"]:
        return "Output (a)" if ranks == (1, 2) else "Output (b)"
    return str([{"model": f"model_{i}", "rank": rank} for i, rank in enumerate(ranks, start=1)])


@contextmanager
def judge_server(faults: Sequence[str] = (), share: float = 0.0) -> Iterator[JudgeServer]:
    """Run the server on a free port until the `with` ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    does = JudgeServer(f"http://127.0.0.1:{server.server_port}/v1", faults, share)
    server.does = does  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield does
    finally:
        does.stop.set()
        server.shutdown()
        server.server_close()
