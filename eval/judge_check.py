"""Ask a judge behind an API, within seconds and at no cost, whether it will answer.

    check_judge(Path("judges/alpaca_eval_gpt4"))         # or a JudgeError of one line

The one request is the list of the models that the server has (GET …/models), which costs nothing,
trains nothing and is part of the API of OpenAI, vLLM, Ollama and llama.cpp. A server that does not
know it is taken to be right: only what is certainly wrong is an error.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from eval.judge_config import Endpoint, JudgeError, api_model, endpoint_from_environment

if TYPE_CHECKING:
    import openai

TIMEOUT = 5.0
SHOWN = 5
"""Names of served models in an error."""


def check_judge(folder: Path) -> None:
    """Check that a judge can be asked. A judge without an API always can.

    Args:
        folder: the judge's folder.

    Raises:
        JudgeError: there is no judge or no key, an address or a key cannot be one, the server does
            not answer, it refuses the key, or it does not serve the model.
    """
    model = api_model(folder)
    if model is None:
        return
    endpoint = endpoint_from_environment()
    served = _served(endpoint)
    wanted = endpoint.model or model
    # Ollama lists `llama3:latest` and answers to `llama3`.
    if served and not {wanted, f"{wanted}:latest"} & set(served):
        names = ", ".join(served[:SHOWN]) + ", …" * (len(served) > SHOWN)
        raise JudgeError(
            f"{endpoint.name} does not serve the model {wanted!r}; it serves {names}: set "
            "JUDGE_MODEL to the one that is meant"
        )


def _served(endpoint: Endpoint) -> list[str]:
    """The models that a server lists; none where it lists nothing."""
    import openai

    client = openai.OpenAI(
        api_key=endpoint.key, base_url=endpoint.base_url, timeout=TIMEOUT, max_retries=0
    )
    try:
        listed = client.models.list().data
        return sorted(str(model.id) for model in listed)
    except openai.AuthenticationError as error:
        if _lacks_scope(error):
            return []
        raise JudgeError(
            f"{endpoint.name}: the key was refused (401): check OPENAI_API_KEY"
        ) from None
    except openai.APIConnectionError as error:
        reason = type(error.__cause__ or error).__name__
        raise JudgeError(
            f"{endpoint.name} cannot be reached from here ({reason}): is it running? Check "
            "JUDGE_BASE_URL and the network"
        ) from None
    except (openai.OpenAIError, ValueError, TypeError, AttributeError, RecursionError):
        return []  # This server has no such list, or a list of another kind.


def _lacks_scope(error: openai.APIError) -> bool:
    """Whether a key is good, but may not list models: OpenAI's restricted keys."""
    return "scope" in str(error).lower()
