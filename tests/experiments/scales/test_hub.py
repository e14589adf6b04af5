"""What is said of a hub that refuses, lacks, is busy or silent; and its cache is enough."""

import json
from pathlib import Path

import pytest

from experiments.scales.hub import LIMIT, TIMEOUT
from tests.experiments.scales.hub_server import (
    REVISION,
    TOKEN,
    Repository,
    asked,
    closed_port,
    hub_server,
    seconds,
    silent_server,
)
from tests.paths import BASE

MODEL = {
    path.name: path.read_bytes()
    for path in sorted(BASE.iterdir())
    if path.suffix in (".json", ".safetensors")
}
ROWS = [{"instruction": f"say {n}", "input": "", "output": f"{n}"} for n in range(30)]
ALPACA = json.dumps(ROWS).encode()


def available(name: str, kind: str = "model", revision: str = REVISION, file: str = "") -> str:
    source = f"Hub({name!r}, {revision!r}, {kind!r}, {file!r} or None)"
    return f"report(lambda: available({source}, 'a local folder: MODEL_x=FOLDER'))"


def test_what_the_hub_has_is_available_with_the_bytes_to_download(tmp_path: Path) -> None:
    sizes = sum(map(len, MODEL.values()))
    more = {"README.md": b"#" * 1000, "pytorch_model.bin": b"x" * 1000}
    with hub_server({"o/m": Repository(MODEL | more)}) as hub:
        answer = asked(tmp_path, available("o/m"), HF_ENDPOINT=hub.url, HF_TOKEN=TOKEN)
    assert f"returned {sizes}" in answer
    assert hub.tokens == {f"Bearer {TOKEN}"}
    assert not any(request.startswith("GET") and "/resolve/" in request for request in hub.requests)


@pytest.mark.parametrize(
    ("repository", "call", "token", "says"),
    (
        (
            Repository(MODEL, gated=True),
            available("o/m"),
            "",
            "o/m is gated: accept its licence at https://huggingface.co/o/m, then put an access "
            "token into HF_TOKEN",
        ),
        (Repository(MODEL, gated=True), available("o/m"), TOKEN, "has no access to it yet"),
        (Repository(MODEL), available("o/m"), "hf_wrong", "refused the access token (401)"),
        (Repository(MODEL), available("o/n"), "", "o/n: there is no such repository"),
        (
            Repository(MODEL),
            available("o/m", revision="f" * 40),
            "",
            f"has no revision {'f' * 40}; give a local folder: MODEL_x=FOLDER",
        ),
        (
            Repository({"config.json": b"{}", "pytorch_model.bin": b"x"}),
            available("o/m"),
            "",
            "o/m has no safetensors",
        ),
        (
            Repository({"README.md": b"#"}),
            available("o/m", "dataset", file="a.json"),
            "",
            "the data set o/m has no a.json",
        ),
        (Repository({}, status=503), available("o/m"), "", "the hub answers 503 now; try again"),
    ),
)
def test_what_the_hub_does_not_give_is_one_line_that_says_what_to_do(
    repository: Repository, call: str, token: str, says: str, tmp_path: Path
) -> None:
    with hub_server({"o/m": repository}) as hub:
        answer = asked(tmp_path, call, HF_ENDPOINT=hub.url, HF_TOKEN=token)
    assert says in answer
    assert len(answer.splitlines()) == 2
    assert "hf_wrong" not in answer
    assert seconds(answer)[0] < LIMIT


EVERY_WAY = (
    f"report(lambda: local(Hub('o/m', {REVISION!r}), 'a local folder: MODEL_x=FOLDER'))\n"
    "report(lambda: local(Hub('o/m', 'main'), 'a local folder: MODEL_x=FOLDER'))\n"
    "report(lambda: pinned(Hub('o/d', kind='dataset'), 'a local file: DATA_x=FILE'))\n"
    "report(lambda: rows_cut_by('paper')(ALPACA, 'train'))\n"
    "report(lambda: reference_outputs('test'))\n"
)


def test_a_hub_that_cannot_be_reached_is_an_error_after_a_moment(tmp_path: Path) -> None:
    answer = asked(tmp_path, EVERY_WAY, HF_ENDPOINT=closed_port())
    assert answer.count("cannot be reached from here (ConnectError); give a local") == 5
    for instead in ("MODEL_x=FOLDER", "DATA_x=FILE", "DATA_alpaca=FILE", "REFERENCE_OUTPUTS=FILE"):
        assert instead in answer
    # Its client alone retries for 23 seconds.
    assert max(seconds(answer)) < TIMEOUT


def test_a_hub_that_says_nothing_is_an_error_within_the_limit(tmp_path: Path) -> None:
    with silent_server() as url:
        answer = asked(tmp_path, EVERY_WAY.splitlines()[0], HF_ENDPOINT=url)
    assert "cannot be reached from here (ReadTimeout)" in answer
    assert seconds(answer)[0] < LIMIT


def test_offline_mode_is_respected_and_named(tmp_path: Path) -> None:
    with hub_server({"o/m": Repository(MODEL)}) as hub:
        answer = asked(tmp_path, available("o/m"), HF_ENDPOINT=hub.url, HF_HUB_OFFLINE="1")
    assert "o/m is not in the hub's cache, and HF_HUB_OFFLINE forbids to download it" in answer
    assert hub.requests == []


def test_what_was_fetched_is_used_without_the_hub(tmp_path: Path) -> None:
    both = {
        "o/m": Repository(MODEL),
        "o/d": Repository({"a.json": ALPACA}),
        "tatsu-lab/alpaca": Repository(
            {"a.json": ALPACA}, revision="dce01c9b08f87459cf36a430d809084718273017"
        ),
    }
    fetch = (
        f"report(lambda: local(Hub('o/m', {REVISION!r}), ''))\n"
        f"report(lambda: local(Hub('o/d', {REVISION!r}, 'dataset', 'a.json'), ''))\n"
        "report(lambda: len(rows_cut_by('paper')(ALPACA, 'train')))\n"
    )
    with hub_server(both) as hub:
        first = asked(tmp_path, fetch, HF_ENDPOINT=hub.url)
        assert "returned 27" in first
        hub.requests.clear()
        second = asked(tmp_path, fetch, HF_ENDPOINT=hub.url)
        assert not any(name in request for request in hub.requests for name in both)
    check = (
        available("o/m")
        + "\n"
        + available("o/d", "dataset", file="a.json")
        + "\nfrom experiments.scales.real_sets import check_set"
        + "\nreport(lambda: check_set('paper', ALPACA, None))"
    )
    third = asked(tmp_path, fetch + check, HF_ENDPOINT=closed_port())

    def returned(answer: str) -> list[str]:
        return [line for line in answer.splitlines() if line.startswith("returned")]

    assert returned(first) == returned(second)
    assert returned(third) == [*returned(first), "returned 0", "returned 0", "returned 0"]


def test_the_newest_revision_is_asked_for_and_the_cached_one_taken_without_the_hub(
    tmp_path: Path,
) -> None:
    fetch = "report(lambda: local(Hub('o/m', 'main'), 'a local folder: --model FOLDER'))"
    with hub_server({"o/m": Repository(MODEL)}) as hub:
        asked(tmp_path, fetch, HF_ENDPOINT=hub.url)
    newer = Repository(MODEL, revision="f" * 40)
    with hub_server({"o/m": newer}) as hub:
        assert "f" * 40 in asked(tmp_path, fetch, HF_ENDPOINT=hub.url)
    assert "f" * 40 in asked(tmp_path, fetch, HF_ENDPOINT=closed_port())


def test_another_revision_in_the_cache_is_not_taken_for_the_pinned_one(tmp_path: Path) -> None:
    other = Repository({"a.json": ALPACA}, revision="f" * 40)
    code = (
        "import datasets\n"
        f"datasets.load_dataset('tatsu-lab/alpaca', split='train', revision={'f' * 40!r})\n"
    )
    with hub_server({"tatsu-lab/alpaca": other}) as hub:
        asked(tmp_path, code, HF_ENDPOINT=hub.url)
    answer = asked(
        tmp_path, "report(lambda: rows_cut_by('paper')(ALPACA, 'train'))", HF_ENDPOINT=closed_port()
    )
    assert "datasets/tatsu-lab/alpaca cannot be reached from here" in answer


def test_a_cached_model_that_is_not_whole_is_fetched_again(tmp_path: Path) -> None:
    fetch = f"report(lambda: local(Hub('o/m', {REVISION!r}), 'a local folder: MODEL_x=FOLDER'))\n"
    with hub_server({"o/m": Repository(MODEL)}) as hub:
        asked(tmp_path, fetch, HF_ENDPOINT=hub.url)
        (weights,) = (tmp_path / "hub").rglob("snapshots/*/model.safetensors")
        weights.unlink()
        assert "returned" in asked(tmp_path, fetch, HF_ENDPOINT=hub.url)
        assert weights.exists()
        weights.unlink()
    assert "cannot be reached" in asked(tmp_path, fetch, HF_ENDPOINT=closed_port())
