"""Functions that remember what they gave: all their sizes in one hand.

A node meets few names, keys and addresses over and over, and remembers some thousands. A process that runs a whole
network meets as many as it has nodes; with small memories each would push out the next, which costs far more than
not to remember at all.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import Any, ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")

_MEMOS: list[tuple[Callable[..., Any], int]] = []


def memo(size: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Remember the last `size` results of a pure function of its module, which is called by its name there only."""

    def remembering(function: Callable[P, R]) -> Callable[P, R]:
        _MEMOS.append((function, size))
        return _remember(function, size)

    return remembering


def remember_at_least(count: int) -> None:
    """Let every such function remember so many results, or as many as it usually does; forgets those known."""
    for function, size in _MEMOS:
        setattr(sys.modules[function.__module__], function.__name__, _remember(function, max(size, count)))


def _remember(function: Callable[P, R], size: int) -> Callable[P, R]:
    return cast(Callable[P, R], lru_cache(size)(cast(Callable[..., Hashable], function)))
