"""The event loop of every measured process: the same kind for all systems of a run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from importlib import import_module
from typing import Any

LOOPS = ("asyncio", "uvloop")


def run(main: Coroutine[Any, Any, None], loop: str) -> None:
    """Run a coroutine to its end on the loop named."""
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    if loop == "uvloop":
        factory = import_module("uvloop").new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main)
