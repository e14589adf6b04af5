"""A real HTTP server that plays OpenAI's API: the longer answer wins, and much goes wrong.

    with judge_server(faults=FAULTS, share=0.3) as server:
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
FAULTS = ("429", "500", "dropped", "stalled", "not JSON", "no choice", "no verdict")
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
        ranks: that are given instead of the longer answer's; None for those.
        asked: the messages of every request.
        calls: how many came with the right key and for a model that there is.
        refused: how many others came.
        faulted: how many went wrong, by fault.
        given: by the winner's and the loser's text, how many verdicts were given.
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
        first, second = ANSWERS.findall(request["messages"][-1]["content"])
        first_wins = len(first) > len(second)
        match fault:
            case "429":
                return self._send(429, {"error": {"message": "slow down"}}, {"Retry-After": "0.2"})
            case "500":
                return self._send(500, {"error": {"message": "oops"}})
            case "dropped":
                self.close_connection = True
                return self.connection.close()
            case "stalled":
                does.stop.wait(STALL)
                self.close_connection = True
                return None
            case "not JSON":
                return self._raw(200, b'{"choices": [', {})
            case str() if fault in ODD_REPLIES:
                return self._raw(200, ODD_REPLIES[fault], {})
            case "no choice":
                return self._send(200, self._reply(request, None))
            case "no verdict":
                return self._send(200, self._reply(request, "Both are fine answers."))
        self._send(200, self._reply(request, _verdict(request, first_wins, does.ranks), first_wins))
        won = (first, second) if first_wins else (second, first)
        with does.lock:
            does.given[won] = does.given.get(won, 0) + 1
        return None

    def _reply(
        self, request: dict[str, Any], content: str | None, first_wins: bool | None = None
    ) -> dict[str, Any]:
        choice: dict[str, Any] = {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": content},
            "logprobs": None,
        }
        if request.get("logprobs") and first_wins is not None:
            sure = [("m", 0.9), ("M", 0.1)] if first_wins else [("M", 0.9), ("m", 0.1)]
            tops = [{"token": t, "logprob": math.log(p), "bytes": None} for t, p in sure]
            choice["logprobs"] = {"content": [{**tops[0], "top_logprobs": tops}]}
        return {
            "id": "x",
            "object": "chat.completion",
            "created": 0,
            "model": request["model"],
            "choices": [] if content is None else [choice],
            "usage": self.server.does.usage,
        }

    def _send(
        self, status: int, reply: dict[str, Any], headers: dict[str, str] | None = None
    ) -> None:
        self._raw(status, json.dumps(reply).encode(), headers or {})

    def _raw(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in ({"Content-Type": "application/json"} | headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _verdict(request: dict[str, Any], first_wins: bool, ranks: tuple[int, int] | None) -> str:
    if request.get("logprobs"):
        return "m" if first_wins else "M"
    ranks = ranks or ((1, 2) if first_wins else (2, 1))
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
