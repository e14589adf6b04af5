"""A thousand calls of a judge of which a third go wrong, and damaged caches of its answers.

The server is a real one, asked by the real client through alpaca-eval. Whatever goes wrong, a
verdict is the judge's own or is counted as missing, and no verdict is asked for or paid twice.
"""

import random
import re
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from eval.alpaca import annotate, check_missing
from eval.judge_api import JudgeClient
from eval.judge_config import JudgeError
from tests.attacks.reporting import Recorder
from tests.eval.judge_server import FAULTS, KEY, JudgeServer, judge_server
from tests.eval.test_judge_api import ENDPOINT, GPT_4, judged, outputs, wins

ROWS = 800


def verdicts(rows: list[dict[str, object]]) -> dict[str, object]:
    return {str(row["instruction"]).split()[1]: row["preference"] for row in rows}


def test_a_thousand_calls_of_which_a_third_fail(
    tmp_path: Path,
    record_property: Recorder,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    cache = tmp_path / "calls.sqlite"
    mine, theirs = outputs(ROWS, "model"), outputs(ROWS, "reference")
    with judge_server(FAULTS, share=0.3) as server:
        # Few attempts, so that some verdicts stay missing.
        endpoint = replace(ENDPOINT, base_url=server.url, timeout=4.0, retries=4, attempts=2)
        client = JudgeClient(endpoint, cache)
        rows = annotate(mine, theirs, GPT_4, client)
        calls, given = server.calls, wins(server)
        found = verdicts(rows)
        assert calls >= 1000
        assert sum(server.faulted.values()) >= 0.25 * calls
        assert set(server.faulted) == set(FAULTS)

        right = {number: verdict for number, verdict in found.items() if verdict is not None}
        missing = ROWS - len(right)
        assert right == given
        assert 0 < missing < 0.1 * ROWS
        with pytest.raises(JudgeError, match=rf"^{missing} of {ROWS} verdicts are missing"):
            check_missing(rows, most=0)

        # What was paid for: the tokens of every reply that says them, wanted or not.
        assert client.usage.prompt_tokens == 100 * server.told
        assert client.usage.completion_tokens == 10 * server.told
        with closing(sqlite3.connect(cache)) as kept:
            keys = kept.execute("SELECT key FROM calls WHERE readable").fetchall()
            (received,) = kept.execute("SELECT count(*) FROM calls").fetchone()
        assert len(keys) == len(set(keys)) == len(right)
        assert client.usage.calls == received >= server.told

        # Nothing is asked twice, and nothing that was missing stays so.
        server.share = 0.0
        for new in (missing, 0):
            before = server.calls
            again = verdicts(annotate(mine, theirs, GPT_4, JudgeClient(endpoint, cache)))
            assert server.calls - before == new
            assert again == wins(server)
            assert len(again) == ROWS
    record_property(
        "attack",
        {
            "attack": "judge calls",
            "tried": calls,
            "outcomes": {
                "faults": sum(server.faulted.values()),
                "right verdicts": len(right),
                "missing verdicts": missing,
                "wrong verdicts": 0,
            },
        },
    )
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    shown = caplog.text + "".join(capfd.readouterr())
    assert not any(KEY.encode() in content for content in written)
    assert KEY not in shown
    assert KEY not in repr(ENDPOINT)


CACHED, DAMAGES = 60, 60


def damaged(content: bytes, number: int) -> bytes:
    """A cache with a byte changed, a verdict changed, a stretch of zeros or noise, or cut short."""
    chance = random.Random(number)
    at, length = chance.randrange(len(content)), chance.randrange(1, 3000)
    match number % 5:
        case 0:
            return content[:at] + bytes([content[at] ^ (1 << number % 8)]) + content[at + 1 :]
        case 1:
            ranks = [found.end() for found in re.finditer(rb"'rank': (?=[12])", content)]
            at = chance.choice(ranks)
            return content[:at] + (b"2" if content[at] == ord("1") else b"1") + content[at + 1 :]
        case 2:
            return content[:at] + bytes(len(content[at : at + length])) + content[at + length :]
        case 3:
            noise = chance.randbytes(len(content[at : at + length]))
            return content[:at] + noise + content[at + length :]
        case _:
            return content[:at]


def outcome(cache: Path, server: JudgeServer, given: dict[str, int]) -> str:
    """What comes of asking the judge again with this cache."""
    before = server.calls
    try:
        found = verdicts(judged(server.url, cache, CACHED))
    except JudgeError as error:
        named = str(error).startswith(f"{cache}: ") and "move it away" in str(error)
        return "refused with its path" if named else str(error)
    if any(verdict not in (None, given[row]) for row, verdict in found.items()):
        return "wrong verdicts"
    if None in found.values():
        return "lost verdicts missing"
    return "lost verdicts asked again" if server.calls > before else "all verdicts still there"


def test_a_damaged_cache_gives_no_verdict_that_the_judge_did_not_give(
    tmp_path: Path, record_property: Recorder
) -> None:
    cache = tmp_path / "calls.sqlite"
    outcomes = Counter[str]()
    with judge_server() as server:
        judged(server.url, cache, CACHED, replace(ENDPOINT, concurrency=1))
        content, given = cache.read_bytes(), wins(server)
        for number in range(DAMAGES):
            for path in tmp_path.iterdir():
                path.unlink()
            cache.write_bytes(damaged(content, number))
            outcomes[outcome(cache, server, given)] += 1
    attack = "damaged caches of a judge's answers"
    record_property("attack", {"attack": attack, "tried": DAMAGES, "outcomes": dict(outcomes)})
    lost = {"lost verdicts asked again", "lost verdicts missing"}
    assert set(outcomes) <= {"refused with its path", "all verdicts still there", *lost}
    assert outcomes["refused with its path"] > DAMAGES / 3
