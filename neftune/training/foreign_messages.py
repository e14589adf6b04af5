"""Hide messages of other packages that tell a user nothing, each by its logger and first words.

    hide("transformers.generation.utils", "Both `max_new_tokens`")

Other messages of the same logger are still shown.
"""

from __future__ import annotations

import logging


def hide(logger: str, start: str) -> None:
    """Hide the messages of a logger that begin with these words.

    Args:
        logger: the name of the logger, which is that of the module that it belongs to.
        start: the first words.
    """
    logging.getLogger(logger).addFilter(lambda record: not record.getMessage().startswith(start))
