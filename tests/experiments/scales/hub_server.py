"""A real HTTP server that plays the Hugging Face hub, as far as its client and datasets ask it.

with hub_server({"owner/name": Repository({"config.json": b"{}"})}) as hub:
answer = asked(tmp_path, "print(local(…))", HF_ENDPOINT=hub.url)
hub.requests, hub.tokens
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.paths import ROOT

TOKEN = "hf_secretOfTheTest"
REVISION = "0123456789abcdef0123456789abcdef01234567"


@dataclass(frozen=True)
class Repository:
    """What a repository holds, and to whom it is given.

    Args:
        files: by name.
        gated: nobody is given a file.
        status: that every request is answered with.
        revision: its only commit.
    """

    files: Mapping[str, bytes]
    gated: bool = False
    status: int = 200
    revision: str = REVISION


@dataclass
class HubServer:
    """The server, and what it was asked.

    Args:
        url: for HF_ENDPOINT.
        repositories: by name.
        requests: method and path of each request.
        tokens: that were sent.
    """

    url: str
    repositories: Mapping[str, Repository]
    requests: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer a request for a repository's list or for a file."""
        hub: HubServer = self.server.hub
        path = self.path.partition("?")[0]
        hub.requests.append(f"{self.command} {path}")
        token = self.headers["Authorization"]
        if token:
            hub.tokens.add(token)
        if token and token != f"Bearer {TOKEN}":
            return self._send(401, b"", "", "Invalid credentials in Authorization header")
        name = next((name for name in hub.repositories if f"/{name}" in path), None)
        if name is None:
            return self._send(404, b"", "RepoNotFound")
        repository = hub.repositories[name]
        if repository.status != 200:
            return self._send(repository.status, b"")
        rest = path.partition(f"/{name}")[2]
        if rest and f"/{repository.revision}" not in rest and "/main" not in rest:
            return self._send(404, b"", "RevisionNotFound")
        if "/resolve/" in rest:
            return self._file(repository, rest.split("/", 3)[3])
        entries = [_entry(file, content) for file, content in repository.files.items()]
        if "/tree/" in rest:
            return self._send(200, json.dumps(entries).encode())
        listed = [{"rfilename": entry["path"], "size": entry["size"]} for entry in entries]
        about = {"id": name, "sha": repository.revision, "tags": [], "siblings": listed}
        return self._send(200, json.dumps(about).encode())

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self) -> None:
        """Answer a request for the entries of some paths."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self._send(404, b"", "EntryNotFound")

    def _file(self, repository: Repository, file: str) -> None:
        if repository.gated:
            return self._send(403, b"", "GatedRepo")
        if file not in repository.files:
            return self._send(404, b"", "EntryNotFound")
        content = repository.files[file]
        return self._send(
            200,
            content,
            ETag=f'"{hashlib.sha1(content).hexdigest()}"',
            **{"X-Repo-Commit": repository.revision},
        )

    def _send(
        self, status: int, body: bytes, code: str = "", message: str = "", **headers: str
    ) -> None:
        self.send_response(status)
        named = headers | {"X-Error-Code": code, "X-Error-Message": message}
        for name, value in named.items():
            if value:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _entry(file: str, content: bytes) -> dict[str, Any]:
    return {
        "type": "file",
        "path": file,
        "size": len(content),
        "oid": hashlib.sha1(content).hexdigest(),
    }


@contextmanager
def hub_server(repositories: Mapping[str, Repository]) -> Iterator[HubServer]:
    """Run the server on a free port until the `with` ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    hub = HubServer(f"http://127.0.0.1:{server.server_port}", repositories)
    server.hub = hub  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def silent_server() -> Iterator[str]:
    """The address of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def closed_port() -> str:
    """An address at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return f"http://127.0.0.1:{listening.getsockname()[1]}"


def asked(folder: Path, code: str, **environment: str) -> str:
    """What a Python process prints, whose hub is that of the environment and whose cache is empty.

    The hub's client reads its environment when it is imported, so each hub needs a process.

    Args:
        folder: to work in; it also gets the hub's cache.
        code: to run; `report(f)` prints what f returns or raises, and the seconds it took.
        environment: of the process, in addition.
    """
    start = (
        "import time\n"
        "def report(function):\n"
        "    started = time.monotonic()\n"
        "    try: print('returned', function())\n"
        "    except Exception as error: print(type(error).__name__, error)\n"
        "    print('seconds', time.monotonic() - started)\n"
        "from experiments.roles.instruction_sets import *\n"
        "from experiments.roles.sources import Hub\n"
        "from experiments.scales.fetch import available, cached, local, pinned\n"
        "from experiments.scales.real_sets import rows_cut_by, reference_outputs\n"
        "import huggingface_hub, datasets\n"
    )
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HF_", "MODEL_", "DATA_", "OPENAI_", "JUDGE_"))
    }
    own = {"PYTHONPATH": str(ROOT), "HF_HOME": str(folder / "hub"), "HF_HUB_OFFLINE": "0"}
    done = subprocess.run(
        [sys.executable, "-c", start + code],
        cwd=folder,
        env=kept | own | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert TOKEN not in done.stdout + done.stderr
    return done.stdout


def seconds(answer: str) -> list[float]:
    """How long each `report` of an answer took."""
    return [float(line.split()[1]) for line in answer.splitlines() if line.startswith("seconds")]
