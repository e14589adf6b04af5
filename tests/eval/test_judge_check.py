"""Whether a judge will answer is asked at no cost, and only what is certainly wrong is an error."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import alpaca_eval
import pytest

from eval.judge_check import TIMEOUT, check_judge
from eval.judge_config import JudgeError
from tests.eval.judge_server import KEY

GPT_4 = Path(alpaca_eval.__file__).parent / "evaluators_configs" / "alpaca_eval_gpt4"


@contextmanager
def models_server(status: int, body: bytes, asked: list[str]) -> Iterator[str]:
    """A server that answers every request alike, and notes the requests with the right key."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            if self.headers["Authorization"] == f"Bearer {KEY}":
                asked.append(f"{self.command} {self.path}")
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


def listing(*names: str) -> bytes:
    return json.dumps({"object": "list", "data": [{"id": name} for name in names]}).encode()


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Set the judge's environment."""

    def set_environment(url: str, key: str = KEY, model: str = "") -> None:
        monkeypatch.setenv("JUDGE_BASE_URL", url)
        monkeypatch.setenv("OPENAI_API_KEY", key)
        monkeypatch.setenv("JUDGE_MODEL", model)
        monkeypatch.delenv("JUDGE_PRICES", raising=False)

    return set_environment


@pytest.mark.parametrize(
    ("status", "body", "model"),
    (
        (200, listing("gpt-4", "gpt-5"), ""),
        (200, listing("llama3:latest"), "llama3"),
        # Servers without such a list, with one of another kind, or behind a gateway.
        (404, b"not found", "own"),
        (501, b"", "own"),
        (403, b"{}", "own"),
        (503, b"busy", "own"),
        (200, b"<html>", "own"),
        (200, b"null", "own"),
        (200, b'{"data": null}', "own"),
        (200, b'{"data": [7]}', "own"),
        (200, listing(), "own"),
        # A key of OpenAI's that may ask, but not list.
        (401, b'{"error": {"message": "Missing scopes: api.model.read"}}', ""),
    ),
)
def test_a_judge_that_may_well_answer_is_accepted(
    status: int, body: bytes, model: str, at: Callable[..., None]
) -> None:
    asked: list[str] = []
    with models_server(status, body, asked) as url:
        at(url, model=model)
        check_judge(GPT_4)
    assert asked == ["GET /v1/models"]


@pytest.mark.parametrize(
    ("status", "body", "says"),
    (
        (401, b'{"error": {"message": "bad key"}}', r"the key was refused \(401\): check OPENAI_A"),
        (
            200,
            listing("b", "a", *"cdefg"),
            r"does not serve the model 'gpt-4'; it serves a, b, c, d, e, …: set JUDGE_MODEL",
        ),
    ),
)
def test_a_refused_key_and_a_model_that_is_not_served_are_named(
    status: int, body: bytes, says: str, at: Callable[..., None]
) -> None:
    with models_server(status, body, []) as url:
        at(url.replace("http://", "http://anna:s3cret@"))
        with pytest.raises(JudgeError, match=says) as error:
            check_judge(GPT_4)
        assert url in str(error.value)
    assert not any(secret in str(error.value) for secret in (KEY, "s3cret", "anna"))


def test_a_server_that_is_not_there_or_says_nothing_is_named_within_seconds(
    at: Callable[..., None],
) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://anna:s3cret@127.0.0.1:{listening.getsockname()[1]}/v1"
        at(url)
        check_judge_fails(r"cannot be reached from here \(ReadTimeout\): is it running\?")
    check_judge_fails(r"cannot be reached from here \(ConnectError\): is it running\?")


def check_judge_fails(says: str) -> None:
    started = time.monotonic()
    with pytest.raises(JudgeError, match=says) as error:
        check_judge(GPT_4)
    assert time.monotonic() - started < 2 * TIMEOUT
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "key", "says"),
    (
        ("", "", "set OPENAI_API_KEY, or JUDGE_BASE_URL"),
        ("localhost:8000", KEY, "JUDGE_BASE_URL must be the address of a server"),
        ("http://localhost/v1", f"{KEY}\n", "OPENAI_API_KEY holds a line break"),
    ),
)
def test_what_cannot_be_an_address_or_a_key_is_not_sent(
    url: str, key: str, says: str, at: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    at(url, key)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(JudgeError, match=says):
        check_judge(GPT_4)


def test_a_judge_without_an_api_needs_nothing(tmp_path: Path, at: Callable[..., None]) -> None:
    at("", "")
    (tmp_path / "configs.yaml").write_text("own:\n  fn_completions: my.module:judge\n")
    check_judge(tmp_path)
