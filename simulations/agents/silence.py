"""Loggers that say nothing for a while."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


@contextmanager
def silenced(names: Sequence[str]) -> Iterator[None]:
    """Let loggers tell of nothing but what is critical, and then what they told before."""
    before = [(logger, logger.level) for logger in map(logging.getLogger, names)]
    try:
        for logger, _ in before:
            logger.setLevel(logging.CRITICAL)
        yield
    finally:
        for logger, level in before:
            logger.setLevel(level)
