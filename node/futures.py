"""Wait for what the sans-IO layers report through callbacks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from ..wire.errors import DeadlineExceeded, MeshError

T = TypeVar("T")


async def result_of(start: Callable[[Callable[[T], None]], None], waited_for: str, timeout_s: float) -> T:
    """Run `start(done)` and wait until `done` is called; raises DeadlineExceeded."""
    future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    def done(result: T) -> None:
        if not future.done():
            future.set_result(result)

    start(done)
    return await within(future, waited_for, timeout_s)


async def outcome_of(
    start: Callable[[Callable[[T | None, MeshError | None], None]], None], waited_for: str, timeout_s: float
) -> T:
    """Run `start(done)` and wait for `done(result, error)`; raises the error or DeadlineExceeded."""

    def begin(done: Callable[[tuple[T | None, MeshError | None]], None]) -> None:
        start(lambda result, error: done((result, error)))

    result, error = await result_of(begin, waited_for, timeout_s)
    if error is not None:
        raise error
    assert result is not None, "an outcome is a result or an error"
    return result


async def within(future: asyncio.Future[T], waited_for: str, timeout_s: float) -> T:
    """Wait for a future; raises DeadlineExceeded that says what was waited for."""
    try:
        return await asyncio.wait_for(future, timeout_s)
    except TimeoutError:
        raise DeadlineExceeded(waited_for, timeout_s) from None
