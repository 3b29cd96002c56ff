"""Wait for what the sans-IO layers report through callbacks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from ..wire.errors import DeadlineExceeded, MeshError, NodeClosed

T = TypeVar("T")


class Waiting:
    """Everything that a node's program waits for; when the node stops, it waits no longer."""

    def __init__(self) -> None:
        self._futures: dict[asyncio.Future[Any], str] = {}
        self._closed = False

    async def result_of(
        self, start: Callable[[Callable[[T], None]], None], waited_for: str, timeout_s: float
    ) -> T:
        """Run `start(done)` and wait until `done` is called; raises DeadlineExceeded, NodeClosed."""
        if self._closed:
            raise NodeClosed(f"wait for {waited_for}")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def done(result: T) -> None:
            if not future.done():
                future.set_result(result)

        start(done)
        self._futures[future] = waited_for
        try:
            return await asyncio.wait_for(future, timeout_s)
        except TimeoutError:
            raise DeadlineExceeded(waited_for, timeout_s) from None
        finally:
            del self._futures[future]

    async def outcome_of(
        self,
        start: Callable[[Callable[[T | None, MeshError | None], None]], None],
        waited_for: str,
        timeout_s: float,
    ) -> T:
        """Run `start(done)` and wait for `done(result, error)`; raises the error, DeadlineExceeded, NodeClosed."""

        def begin(done: Callable[[tuple[T | None, MeshError | None]], None]) -> None:
            start(lambda result, error: done((result, error)))

        result, error = await self.result_of(begin, waited_for, timeout_s)
        if error is not None:
            raise error
        assert result is not None, "an outcome is a result or an error"
        return result

    def close(self) -> None:
        """Fail what waits with NodeClosed."""
        self._closed = True
        for future, waited_for in self._futures.items():
            if not future.done():
                future.set_exception(NodeClosed(f"wait for {waited_for}"))
