"""The number format is the one that PRECISION names, or the machine's fastest."""

from __future__ import annotations

import pytest
import torch

from neftune.training import precision


@pytest.mark.parametrize("name", ["float32", "bfloat16"])
def test_a_named_format_is_used_and_recorded(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRECISION", name)
    assert precision.for_training() == precision.for_inference() == getattr(torch, name)
    assert f"training in {name}, inference in {name};" in precision.machine()


def test_an_empty_name_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PRECISION", raising=False)
    fastest = precision.for_training()
    monkeypatch.setenv("PRECISION", "")
    assert precision.for_training() == fastest


def test_an_unknown_format_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRECISION", "fp16")
    with pytest.raises(ValueError, match="PRECISION=fp16: it is float32 or bfloat16"):
        precision.for_training()
