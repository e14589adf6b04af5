"""Models and data from the hub or from local files, and what is said where there are none."""

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from experiments.paths import RENDERED, RESULTS
from experiments.roles.sources import Hub
from experiments.scales.fetch import PINS, chosen, identity, local, pinned, variable
from experiments.scales.hub import SourceError
from tests.paths import ROOT


class _GatedHub(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        gated = "Llama-2" in self.path
        self.send_response(403 if gated else 404)
        self.send_header("X-Error-Code", "GatedRepo" if gated else "RepoNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET  # noqa: N815


@pytest.mark.parametrize(
    ("source", "says"),
    (
        (
            'Hub("meta-llama/Llama-2-7b-hf", "01c7f73d")',
            "accept its licence at https://huggingface",
        ),
        ('Hub("nobody/nothing", "01c7f73d")', "there is no such repository"),
    ),
)
def test_what_the_hub_refuses_is_an_error_that_says_what_to_do(
    source: str, says: str, tmp_path: Path
) -> None:
    server = HTTPServer(("127.0.0.1", 0), _GatedHub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    code = (
        "from experiments.roles.sources import Hub\n"
        "from experiments.scales.fetch import local\n"
        "from experiments.scales.hub import SourceError\n"
        f"try: local({source}, 'llama-2-7b')\n"
        "except SourceError as e: print(e)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
            "HF_HOME": str(tmp_path),
            "HF_HUB_OFFLINE": "0",
        },
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    server.shutdown()
    assert says in answer


def test_a_local_source_is_known_by_its_content(tmp_path: Path) -> None:
    first = tmp_path / "a.json"
    first.write_text("[1]")
    copy = tmp_path / "copy.json"
    copy.write_text("[1]")
    second = tmp_path / "b.json"
    second.write_text("[2]")
    assert identity(first) == identity(copy) != identity(second)
    assert identity(Hub("a/b", "0123")) == "a/b@0123"
    assert identity(Hub("a/b")) == "a/b"
    assert local(first, "alpaca") == first
    with pytest.raises(SourceError, match=r"holds no \.safetensors file"):
        identity(tmp_path)


def test_a_users_own_file_comes_before_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = Hub("a/b")
    assert variable("MODEL", "opt-6.7b") == "MODEL_opt_6_7b"
    assert chosen("MODEL", "opt-6.7b", hub) == hub
    monkeypatch.setenv("MODEL_opt_6_7b", str(tmp_path))
    assert chosen("MODEL", "opt-6.7b", hub) == tmp_path
    monkeypatch.setenv("MODEL_opt_6_7b", str(tmp_path / "gone"))
    with pytest.raises(SourceError, match=r"MODEL_opt_6_7b=.*gone: no such file or folder"):
        chosen("MODEL", "opt-6.7b", hub)


@pytest.mark.usefixtures("workplace")
@pytest.mark.parametrize("folder", (RESULTS, RENDERED))
def test_a_revision_is_pinned_once(folder: Path) -> None:
    assert pinned(Hub("a/b", "0123"), "a file") == "0123"
    folder.mkdir(parents=True)
    (folder / PINS).write_text(json.dumps({"a/b": "4567"}))
    assert pinned(Hub("a/b"), "a file") == "4567"
