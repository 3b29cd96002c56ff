"""Run async handlers without a task for each message.

A few tasks live as long as the node and take work from a queue. As long as handlers do not have to wait, one of them
does all the work of a turn; when one is held up in a handler, the next takes over. Each handler runs inside a real
task, so time-outs, cancellation and context work as everywhere.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine
from typing import Any

from .asyncio_host import AsyncioHost
from .messages.dispatch import Done

Work = tuple[Coroutine[Any, Any, Any], Done]


class HandlerPool:
    """Run coroutines on as many tasks as wait at the same time."""

    def __init__(self, host: AsyncioHost) -> None:
        self._host = host
        self._work: deque[Work] = deque()
        self._idle: list[asyncio.Future[None]] = []
        self._waking = False
        self._closed = False

    def run(self, coroutine: Coroutine[Any, Any, Any], done: Done) -> None:
        """Run a coroutine and tell its result or error; how many may run is the caller's limit."""
        if self._closed:
            coroutine.close()
            return
        self._work.append((coroutine, done))
        if not self._waking:
            self._wake()

    def close(self) -> None:
        """Take no more work and drop what waits; what runs is cancelled with the host's tasks."""
        self._closed = True
        while self._work:
            self._work.popleft()[0].close()

    def _wake(self) -> None:
        """Let one task begin, and look right after it whether it left work behind."""
        self._waking = True
        if self._idle:
            self._idle.pop().set_result(None)
        else:
            self._host.run(self._worker())
        self._host.call_soon(self._check)

    def _check(self) -> None:
        self._waking = False
        if self._work:
            self._wake()

    async def _worker(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._closed:
            while self._work:
                coroutine, done = self._work.popleft()
                try:
                    result = await coroutine
                except BaseException as error:
                    done(None, error)
                    if not isinstance(error, Exception):
                        raise
                else:
                    done(result, None)
            future: asyncio.Future[None] = loop.create_future()
            self._idle.append(future)
            await future
