"""Judges behind an API: no answer is lost, none is requested twice, and missing ones are reported.

The server is a real one, and the judges are alpaca-eval's own configurations of the paper's judges.
"""

import multiprocessing
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import alpaca_eval
import pytest

from eval.alpaca import Annotations, annotate, check_missing, public_win_rate
from eval.judge_api import JudgeClient
from eval.judge_config import Endpoint, JudgeError, endpoint_from_environment
from tests.eval.judge_server import (
    KEY,
    ODD_REPLIES,
    ODD_USAGES,
    JudgeServer,
    judge_server,
)

JUDGES = Path(alpaca_eval.__file__).parent / "evaluators_configs"
GPT_4 = JUDGES / "alpaca_eval_gpt4"
ENVIRONMENT = ("JUDGE_BASE_URL", "OPENAI_BASE_URL", "JUDGE_MODEL", "JUDGE_PRICES", "OPENAI_API_KEY")
ENDPOINT = Endpoint(key=KEY, concurrency=16, timeout=2.0, attempts=5)


def outputs(count: int, generator: str, start: int = 0) -> list[dict[str, str]]:
    """Answers of both kinds, longer now for one side, now for the other; no two the same."""
    rows = []
    for number in range(start, start + count):
        longer = (number % 5 < 3) == (generator == "model")
        text = f"{generator} on {number}" + " and more and more" * longer
        rows.append({"instruction": f"say {number}", "output": text, "generator": generator})
    return rows


def judged(url: str, cache: Path, count: int, endpoint: Endpoint = ENDPOINT) -> Annotations:
    client = JudgeClient(replace(endpoint, base_url=url), cache)
    return annotate(outputs(count, "model"), outputs(count, "reference"), GPT_4, client)


def wins(server: JudgeServer) -> dict[str, int]:
    """By instruction's number, whether the model won by the server's own count: 2 or 1."""
    return {winner.split()[2]: 2 if winner.startswith("model") else 1 for winner, _ in server.given}


def test_two_processes_may_share_the_cache(tmp_path: Path) -> None:
    cache = tmp_path / "calls.sqlite"
    with judge_server() as server:
        spawn = multiprocessing.get_context("spawn")
        processes = [
            spawn.Process(target=judged, args=(server.url, cache, count)) for count in (120, 80)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        assert [process.exitcode for process in processes] == [0, 0]
        before = server.calls
        assert before >= 120
        rows = judged(server.url, cache, 120)
        assert server.calls == before
    assert {row["preference"] for row in rows} == {1, 2}


def test_costs_are_summed_over_all_calls(tmp_path: Path) -> None:
    with judge_server() as server:
        client = JudgeClient(replace(ENDPOINT, base_url=server.url), tmp_path / "calls.sqlite")
        rows = annotate(outputs(10, "model"), outputs(10, "reference"), GPT_4, client)
    assert client.usage.calls == 10
    assert (client.usage.prompt_tokens, client.usage.completion_tokens) == (1000, 100)
    assert client.usage.dollars == pytest.approx(1000 * 30e-6 + 100 * 60e-6)
    assert public_win_rate(rows)["win_rate"] == pytest.approx(60)


def test_alpaca_eval_2s_weighted_judge_gives_shares(tmp_path: Path) -> None:
    weighted = JUDGES / "weighted_alpaca_eval_gpt4_turbo"
    with judge_server() as server:
        client = JudgeClient(replace(ENDPOINT, base_url=server.url), tmp_path / "calls.sqlite")
        rows = annotate(outputs(10, "model"), outputs(10, "reference"), weighted, client)
    for number, row in enumerate(rows):
        assert row["preference"] == pytest.approx(1.9 if number % 5 < 3 else 1.1)


@pytest.mark.parametrize(
    ("endpoint", "says"),
    (
        (replace(ENDPOINT, key="sk-wrong-key"), r"refused the key \(401\): check OPENAI_API_KEY"),
        (replace(ENDPOINT, model="retired"), r"does not serve the model 'retired' \(404\)"),
    ),
)
def test_a_wrong_key_or_model_stops_at_once(tmp_path: Path, endpoint: Endpoint, says: str) -> None:
    with judge_server() as server:
        with pytest.raises(JudgeError, match=says) as error:
            judged(server.url, tmp_path / "calls.sqlite", 200, endpoint)
        assert server.calls == 0
        assert server.refused < 4 * endpoint.concurrency
    assert "sk-" not in str(error.value)


def test_a_dead_server_is_reported(tmp_path: Path) -> None:
    with judge_server() as server:
        pass
    with pytest.raises(JudgeError, match=r"http://127.0.0.1:\d+/v1 no longer answers"):
        judged(server.url, tmp_path / "calls.sqlite", 50, replace(ENDPOINT, retries=0))


def test_verdicts_outside_the_format_are_missing_and_reported(tmp_path: Path) -> None:
    with judge_server(("Both are fine answers.",), share=1.0) as server:
        rows = judged(server.url, tmp_path / "calls.sqlite", 20)
        assert server.calls == 20 * ENDPOINT.attempts
    assert [row["preference"] for row in rows] == [None] * 20
    with pytest.raises(JudgeError, match="20 of 20 verdicts are missing, more than 1%"):
        check_missing(rows, most=0.01)


def test_the_environment_says_where_the_judge_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(JudgeError, match="set OPENAI_API_KEY, or JUDGE_BASE_URL and JUDGE_MODEL"):
        endpoint_from_environment()
    monkeypatch.setenv("JUDGE_BASE_URL", "http://localhost:8000/v1")
    monkeypatch.setenv("JUDGE_PRICES", "1.5 2")
    assert endpoint_from_environment().prices == (1.5, 2.0)
    monkeypatch.setenv("JUDGE_PRICES", "cheap")
    with pytest.raises(JudgeError, match="JUDGE_PRICES must be two numbers"):
        endpoint_from_environment()


def test_a_reply_outside_the_api_is_asked_again_and_stops_nothing(tmp_path: Path) -> None:
    with judge_server(tuple(ODD_REPLIES), share=0.5) as server:
        endpoint = replace(ENDPOINT, attempts=12)
        rows = judged(server.url, tmp_path / "calls.sqlite", 60, endpoint)
        assert set(server.faulted) == set(ODD_REPLIES)
        expected = wins(server)
    assert {r["instruction"].split()[1]: r["preference"] for r in rows} == expected
    assert len(expected) == 60


@pytest.mark.parametrize("usage", ODD_USAGES, ids=str)
def test_odd_token_counts_are_no_tokens_and_later_runs_work(tmp_path: Path, usage: Any) -> None:
    cache = tmp_path / "calls.sqlite"
    with judge_server() as server:
        server.usage = usage
        for _ in range(2):
            client = JudgeClient(replace(ENDPOINT, base_url=server.url), cache)
            rows = annotate(outputs(3, "model"), outputs(3, "reference"), GPT_4, client)
            assert {row["preference"] for row in rows} <= {1, 2}
            assert client.usage.calls == 3
            assert client.usage.prompt_tokens == client.usage.completion_tokens == 0
        assert server.calls == 3


def test_token_counts_of_an_older_cache_are_read(tmp_path: Path) -> None:
    cache = tmp_path / "calls.sqlite"
    with judge_server() as server:
        judged(server.url, cache, 3)
        with sqlite3.connect(cache) as calls:
            calls.execute("UPDATE calls SET prompt_tokens = NULL, completion_tokens = 'many'")
        assert len(judged(server.url, cache, 3)) == 3
        assert server.calls == 3


@pytest.mark.parametrize("damage", ("text", "cut", "other columns", "completion", "a folder"))
def test_a_damaged_cache_is_one_line_with_its_path(tmp_path: Path, damage: str) -> None:
    cache = tmp_path / "calls.sqlite"
    with judge_server() as server:
        if damage in ("cut", "completion"):
            judged(server.url, cache, 40)
        if damage == "text":
            cache.write_text("this is no database, but a longer text\n" * 100)
        elif damage == "cut":
            cache.write_bytes(cache.read_bytes()[:5000] + b"\x77" * 9000)
        elif damage == "other columns":
            with sqlite3.connect(cache) as calls:
                calls.execute("CREATE TABLE calls (something TEXT)")
        elif damage == "completion":
            with sqlite3.connect(cache) as calls:
                calls.execute("UPDATE calls SET completion = '{'")
        else:
            cache.mkdir()
        with pytest.raises(JudgeError, match=r"calls\.sqlite: .*move it away") as error:
            judged(server.url, cache, 40)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("key", ("sk-key\n", "sk key", "sk-kéy", "\tsk"))
def test_a_key_that_no_request_can_hold_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(JudgeError, match="OPENAI_API_KEY holds a line break") as error:
        replace(ENDPOINT, key=key)
    assert key not in str(error.value)


@pytest.mark.parametrize(
    "url", ("localhost:8000", "ftp://x/v1", "http://", "http://[x", "http://x y")
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(JudgeError, match="JUDGE_BASE_URL must be the address of a server"):
        replace(ENDPOINT, base_url=url)


def test_a_password_in_the_address_is_never_printed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with judge_server() as server:
        secret = server.url.replace("http://", "http://anna:s3cret@")
        with pytest.raises(JudgeError, match="refused the key") as refused:
            judged(secret, tmp_path / "calls.sqlite", 20)
    with pytest.raises(JudgeError, match="no longer answers") as dead:
        judged(secret, tmp_path / "calls.sqlite", 20, replace(ENDPOINT, retries=0))
    with pytest.raises(JudgeError) as wrong:
        replace(ENDPOINT, base_url="ftp://anna:s3cret@host")
    shown = caplog.text + "".join(capfd.readouterr()) + repr(replace(ENDPOINT, base_url=secret))
    shown += "".join(str(error.value) for error in (refused, dead, wrong))
    assert "s3cret" not in shown
    assert "anna" not in shown
    assert server.url in str(dead.value)


def test_two_models_of_the_same_rank_are_a_draw(tmp_path: Path) -> None:
    with judge_server() as server:
        server.ranks = (1, 1)
        rows = judged(server.url, tmp_path / "calls.sqlite", 20)
    assert [row["preference"] for row in rows] == [1.5] * 20
