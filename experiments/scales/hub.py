"""Ask the Hugging Face hub for a source, once, and say in one line why it cannot be had.

    ask_hub(Hub("meta-llama/Llama-2-7b-hf", "01c7f73…"), None, "a local folder: MODEL_…=FOLDER")

The hub's own client repeats a request that nothing answers for about 23 seconds, for each file.
Here an unreachable hub is an error after seconds. HF_ENDPOINT, HF_HUB_OFFLINE, HF_TOKEN and proxies
are respected as by the client itself, because it sends the requests.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from fnmatch import fnmatch
from threading import Thread
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

from experiments.roles.sources import Hub

Value = TypeVar("Value")
MODEL_FILES = ["*.safetensors", "*.json", "*.model", "*.txt", "*.jinja"]
TIMEOUT = 5.0
"""Seconds until a request to the hub that only asks is given up."""
LIMIT = 10.0
"""Seconds for all of such requests about one source, the look-up of the hub's name included."""


class SourceError(RuntimeError):
    """A model or data set cannot be had; the message says what to do."""


class UnreachableError(SourceError):
    """Nothing answers where the hub should be, or HF_HUB_OFFLINE forbids to ask."""


class BusyError(SourceError):
    """The hub answers, but not now."""


def ask_hub(source: Hub, revision: str | None, instead: str) -> int:
    """Ask the hub once, without retries, whether it has a source and gives it to this user.

    Returns:
        The bytes of the files that are wanted of it.

    Raises:
        UnreachableError: nothing answers.
        BusyError: the hub answers that it cannot now.
        SourceError: there is no such repository, revision or file, or it is gated.
    """
    from huggingface_hub import HfApi, hf_hub_url

    def ask() -> int:
        hub = HfApi()
        info = hub.repo_info(
            source.name,
            repo_type=source.kind,
            revision=revision,
            timeout=TIMEOUT,
            files_metadata=True,
        )
        sizes = {file.rfilename: file.size or 0 for file in getattr(info, "siblings", None) or ()}
        wanted = {name: size for name, size in sizes.items() if _is_wanted(source, name)}
        first = next((name for name in wanted if _is_needed(source, name)), None)
        if first is None:
            raise SourceError(_lacks(source, str(info.sha), instead))
        # Everyone may see the list of a gated repository, but not its files.
        url = hf_hub_url(source.name, first, repo_type=source.kind, revision=info.sha)
        hub.get_hf_file_metadata(url=url, timeout=TIMEOUT)
        return sum(wanted.values())

    try:
        return within(LIMIT, ask)
    except SourceError:
        raise
    except Exception as error:
        raise source_error(source, instead, error) from None


def _is_wanted(source: Hub, name: str) -> bool:
    if source.file:
        return name == source.file
    if source.kind == "model":
        return any(fnmatch(name, pattern) for pattern in MODEL_FILES)
    return name not in ("README.md", ".gitattributes")


def _is_needed(source: Hub, name: str) -> bool:
    return source.kind == "dataset" or name.endswith(".safetensors")


def _lacks(source: Hub, revision: str, instead: str) -> str:
    if source.kind == "model":
        return (
            f"{source.name} has no safetensors at {revision}: convert it with a tool that you "
            f"trust, and give {instead}"
        )
    what = source.file or "data files"
    return f"the data set {source.name} has no {what} at {revision}; give {instead}"


def newest_revision(source: Hub, instead: str) -> str:
    """Ask the hub once, without retries, for the newest commit of a repository.

    Raises:
        SourceError: it does not answer, or there is no such repository.
    """
    from huggingface_hub import HfApi

    def ask() -> str:
        return str(HfApi().repo_info(source.name, repo_type=source.kind, timeout=TIMEOUT).sha)

    try:
        return within(LIMIT, ask)
    except Exception as error:
        raise source_error(source, instead, error) from None


def within(seconds: float, function: Callable[[], Value]) -> Value:
    """Call a function that may hang in the network.

    Raises:
        TimeoutError: it did not return in time. It goes on in a thread that ends with the process.
    """
    result: Future[Value] = Future()

    def call() -> None:
        try:
            result.set_result(function())
        except BaseException as error:
            result.set_exception(error)

    Thread(target=call, daemon=True).start()
    try:
        return result.result(seconds)
    except TimeoutError:
        raise TimeoutError(f"no answer within {seconds:g} seconds") from None


def source_error(source: Hub, instead: str, error: Exception) -> SourceError:
    """An error of the hub's client as one line that says what to do.

    Args:
        source: what was wanted.
        instead: how a local file or folder is named.
        error: what the client raised.
    """
    from huggingface_hub import get_token
    from huggingface_hub.constants import ENDPOINT
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    place = f"{'datasets/' * (source.kind == 'dataset')}{source.name}"
    where = f"https://huggingface.co/{place}"
    if isinstance(error, GatedRepoError):
        then = (
            "wait until its owners have accepted: the token in use has no access to it yet"
            if get_token()
            else "put an access token into HF_TOKEN"
        )
        return SourceError(f"{source.name} is gated: accept its licence at {where}, then {then}")
    if isinstance(error, RevisionNotFoundError):
        return SourceError(f"{where} has no revision {source.revision}; give {instead}")
    if isinstance(error, RepositoryNotFoundError):
        return SourceError(f"{where}: there is no such repository, or HF_TOKEN may not read it")
    if isinstance(error, OfflineModeIsEnabled):
        return UnreachableError(
            f"{source.name} is not in the hub's cache, and HF_HUB_OFFLINE forbids to download it; "
            f"set HF_HUB_OFFLINE=0, or give {instead}"
        )
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        if status == 401:
            return SourceError("the hub refused the access token (401): check HF_TOKEN")
        if status == 429 or status >= 500:
            return BusyError(f"{where}: the hub answers {status} now; try again later")
        return SourceError(f"{where}: the hub answers {status}; give {instead}")
    return UnreachableError(
        f"{without_user(ENDPOINT)}/{place} cannot be reached from here "
        f"({type(error).__name__}); give {instead}"
    )


def without_user(url: str) -> str:
    """An address without a user and password in it."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
