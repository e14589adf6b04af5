"""What a judge is and where it answers, without importing alpaca-eval or OpenAI's package.

    judge_configuration(Path("judges/oracle"))["fn_completions"]
    api_model(Path("judges/alpaca_eval_gpt4"))           # "gpt-4"; None for a judge without an API
    endpoint_from_environment()                          # the server, the key, the model
    judge_identity(Path("judges/alpaca_eval_gpt4"))      # what names its verdicts
    PRICES["gpt-4"]                                      # (30.0, 60.0)

A judge is a folder in alpaca-eval's format: a `configs.yaml` with one entry, and the prompt
template that it names. A judge behind an API answers at OpenAI's own server, or at the one that
JUDGE_BASE_URL names.
"""

from __future__ import annotations

import hashlib
import math
import os
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml  # type: ignore[import-untyped]

from neftune.training.files import file_sha256

OPENAI = "https://api.openai.com/v1"
"""OpenAI's own server."""
PRICES = {
    "gpt-4": (30.0, 60.0),
    "gpt-4-0314": (30.0, 60.0),
    "gpt-4-0613": (30.0, 60.0),
    "gpt-4-1106-preview": (10.0, 30.0),
    "gpt-3.5-turbo-0301": (2.0, 2.0),
}
"""Dollars per million tokens of prompt and of completion, at the time of the paper."""


class JudgeError(RuntimeError):
    """A judge cannot be used, or too many of its verdicts are missing; the message says why."""


def prices_from_environment() -> tuple[float, float] | None:
    """Read JUDGE_PRICES, as in `PRICES`; None where it is not set.

    Raises:
        JudgeError: it is not two numbers.
    """
    text = os.environ.get("JUDGE_PRICES")
    if not text:
        return None
    try:
        prompt, completion = map(float, text.split())
        if not all(math.isfinite(price) and price >= 0 for price in (prompt, completion)):
            raise ValueError
    except ValueError:
        raise JudgeError(
            "JUDGE_PRICES must be two numbers, the dollars per million tokens of prompt and of "
            f"completion, not {text!r}"
        ) from None
    return prompt, completion


def judge_configuration(folder: Path) -> dict[str, Any]:
    """Read the configuration of a judge.

    Args:
        folder: the judge's folder.

    Returns:
        The one entry of its `configs.yaml`.

    Raises:
        JudgeError: the folder has no `configs.yaml`, or that holds no judge.
    """
    path = folder / "configs.yaml"
    if not path.is_file():
        raise JudgeError(f"{folder}: no judge here; a judge is a folder with a configs.yaml")
    try:
        found = dict(_parsed(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, ValueError, TypeError, AttributeError):
        raise JudgeError(f"{path}: should hold one judge in alpaca-eval's format") from None
    if not isinstance(found.get("fn_completions"), str):
        raise JudgeError(f"{path}: the judge has no fn_completions")
    return found


@lru_cache
def _parsed(text: str) -> dict[str, Any]:
    """The one entry of a `configs.yaml`; the path of every verdict asks for it."""
    (configuration,) = yaml.safe_load(text).values()
    return dict(configuration)


def api_model(folder: Path) -> str | None:
    """The model that a judge queries over OpenAI's API or a compatible one.

    Args:
        folder: the judge's folder.

    Returns:
        The name of the model; None for a judge that does not use an API.

    Raises:
        JudgeError: the folder has no `configs.yaml`, or that holds no judge.
    """
    configuration = judge_configuration(folder)
    if configuration["fn_completions"] != "openai_completions":
        return None
    try:
        return str(configuration["completions_kwargs"]["model_name"])
    except (KeyError, TypeError):
        raise JudgeError(f"{folder}: the judge's completions_kwargs name no model_name") from None


@dataclass(frozen=True)
class Endpoint:
    """An OpenAI-compatible API, and how it is queried.

    Args:
        base_url: of OpenAI's own server, or of one with a compatible API (vLLM, Ollama, llama.cpp).
            A user and password in it are never printed.
        model: replaces the model of the judge's configuration; None keeps that one.
        key: the API key; it is never printed or stored.
        prices: dollars per million tokens of prompt and of completion; None uses `PRICES`.
        concurrency: the largest number of simultaneous requests.
        timeout: seconds after which a request is sent again.
        retries: how often a request that failed is sent again.
        attempts: how often a request is sent until its answer has a verdict.

    Raises:
        JudgeError: the URL or the key cannot be one.
    """

    base_url: str = field(default=OPENAI, repr=False)
    model: str | None = None
    key: str = field(default="", repr=False)
    prices: tuple[float, float] | None = None
    concurrency: int = 8
    timeout: float = 60.0
    retries: int = 8
    attempts: int = 3

    @property
    def address(self) -> str:
        """The URL without a user and password, and without what may hold a key after the path."""
        parts = urlsplit(self.base_url)
        host = parts.netloc.rpartition("@")[2].lower()
        return f"{parts.scheme}://{host}{parts.path.rstrip('/')}"

    @property
    def name(self) -> str:
        """The name of the endpoint in messages."""
        return "OpenAI's API" if self.address == OPENAI else self.address

    def __post_init__(self) -> None:
        if not _is_url(self.base_url):
            raise JudgeError(
                "JUDGE_BASE_URL must be the address of a server, such as http://localhost:8000/v1"
            )
        if not (self.key.isascii() and self.key.isprintable()) or " " in self.key:
            raise JudgeError(
                "OPENAI_API_KEY holds a line break, a space or another character that no key has: "
                "set it again, without what surrounds it"
            )

    def hidden(self, text: str) -> str:
        """A text without the key, and without the user and password of the URL."""
        parts = urlsplit(self.base_url)
        secrets = (parts.netloc.rpartition("@")[0], parts.password, self.key)
        for secret in secrets:
            text = text.replace(secret, "…") if secret else text
        return text


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and (parts.port or 1) > 0
            and text.isprintable()
            and " " not in text
        )
    except ValueError:
        return False


def _base_url() -> str:
    return os.environ.get("JUDGE_BASE_URL") or os.environ.get("OPENAI_BASE_URL") or OPENAI


def endpoint_from_environment() -> Endpoint:
    """Read the endpoint from JUDGE_BASE_URL, JUDGE_MODEL, JUDGE_PRICES and OPENAI_API_KEY.

    OPENAI_BASE_URL, which OpenAI's package knows, counts where JUDGE_BASE_URL is not set.

    Raises:
        JudgeError: there is neither a key nor a base URL, one of them cannot be one, or the prices
            are not two numbers.
    """
    base_url, key = _base_url(), os.environ.get("OPENAI_API_KEY", "")
    if not key and base_url == OPENAI:
        raise JudgeError(
            "this judge is queried over OpenAI's API: set OPENAI_API_KEY, or JUDGE_BASE_URL and "
            "JUDGE_MODEL for a server of your own"
        )
    prices = prices_from_environment()
    return Endpoint(base_url, os.environ.get("JUDGE_MODEL"), key or "none", prices)


def judge_identity(folder: Path) -> dict[str, str]:
    """What truly answers when a judge is asked now. Verdicts of another identity are another's.

    Neither a key nor a connection is needed. The Python code of a judge without an API is not
    covered.

    Args:
        folder: the judge's folder.

    Returns:
        `configuration`, a SHA-256 of the contents of its `configs.yaml`, its prompt template and
        the files that it is fitted to;
        `model`, what is asked over an API, with JUDGE_MODEL respected; `server`, the address of
        that API without a user and password. The last two are empty for a judge without an API.

    Raises:
        JudgeError: the folder holds no judge, its template is missing, or JUDGE_BASE_URL is no
            address.
    """
    model, server = api_model(folder), ""
    if model is not None:
        model = os.environ.get("JUDGE_MODEL") or model
        server = Endpoint(_base_url()).address
    files = (folder / "configs.yaml", _template(folder), *_fitted_to(folder))
    stamps = tuple((str(path.absolute()), path.stat().st_mtime_ns) for path in files)
    return {"configuration": _hash_of(stamps), "model": model or "", "server": server}


@lru_cache(maxsize=64)
def _hash_of(stamps: tuple[tuple[str, int], ...]) -> str:
    """The hash of files' contents; files are read again when one of them changes."""
    digest = hashlib.sha256()
    for path, _ in stamps:
        digest.update(bytes.fromhex(file_sha256(Path(path))))
    return digest.hexdigest()


def check_fitted_to(folder: Path) -> None:
    """Refuse a judge that is fitted to verdicts which are not here.

    Args:
        folder: the judge's folder.

    Raises:
        JudgeError: says which variable names them.
    """
    variable = _variable(folder)
    if variable and not _fitted_to(folder):
        own = os.environ.get(variable)
        found = f"{variable}={own}: no verdicts are there" if own else f"{variable} is not set"
        raise JudgeError(
            f"{found}: the judge of this scale is fitted to GPT-4's public verdicts; give the "
            "folder `results` of a clone of github.com/tatsu-lab/alpaca_eval, or a file in the "
            "format of eval/preference/verdicts.py"
        )


def _variable(folder: Path) -> str | None:
    """The variable that names what a judge is fitted to; None where it is fitted to nothing."""
    found = (judge_configuration(folder).get("completions_kwargs") or {}).get("fitted_to")
    return str(found) if found else None


def _fitted_to(folder: Path) -> list[Path]:
    """The files that a judge is fitted to: what the variable names that its configuration names."""
    variable = _variable(folder)
    place = os.environ.get(variable) if variable else None
    if not place:
        return []
    path = Path(place)
    return [path] if path.is_file() else sorted(path.glob("*/alpaca_eval_gpt4/annotations.json"))


def _template(folder: Path) -> Path:
    """The file of the prompt template, which alpaca-eval looks for beside the judge's folder."""
    name = judge_configuration(folder).get("prompt_template")
    path = folder.resolve().parent / str(name)
    if not isinstance(name, str) or not path.is_file():
        raise JudgeError(f"{folder / 'configs.yaml'}: there is no prompt template {path}")
    return path
