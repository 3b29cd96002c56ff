"""Run async handlers without a task for each message, and without a turn of the loop for those that do not wait.

A handler takes its first step at once, in the name of a task that stands by. If it ends there, that was all. If it
waits for something, that task goes on with it, and another stands by. So a handler runs within one real task from its
first line to its last: time-outs, cancellation and `current_task` work as everywhere. Context variables are the
task's, and a task serves many handlers in turn: set before use what a handler reads.
"""

from __future__ import annotations

import asyncio
from asyncio.tasks import (
    _enter_task,
    _leave_task,
)  # for programs that drive coroutines (asyncio docs, "Extending")
from collections.abc import Awaitable, Coroutine, Generator
from contextvars import copy_context
from typing import Any

from .host import Host
from .messages.dispatch import Done


class HandlerPool:
    """Drive coroutines; how many may wait at once is the caller's limit."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._standing_by: list[_Worker] = []
        self._closed = False

    def run(self, coroutine: Coroutine[Any, Any, Any], done: Done) -> None:
        """Run a coroutine and tell its result or error: within this call, unless it has to wait."""
        if self._closed:
            coroutine.close()
            return
        worker = self._standing_by.pop() if self._standing_by else _Worker(self._host, self._standing_by)
        if asyncio.current_task(self._host.loop) is not None:
            worker.go_on(coroutine, done)  # a step within a step is not to be had
            return
        try:
            awaited = worker.first_step(coroutine)
        except StopIteration as stop:
            self._standing_by.append(worker)
            done(stop.value, None)
        except BaseException as error:
            self._standing_by.append(worker)
            done(None, error)
            if not isinstance(error, Exception | asyncio.CancelledError):
                raise
        else:
            worker.go_on(_Rest(coroutine, awaited), done)

    def close(self) -> None:
        """Take no more work; what runs is cancelled with the host's tasks."""
        self._closed = True
        self._standing_by.clear()


class _Worker:
    """One task, and the coroutine it goes on with."""

    __slots__ = ("_context", "_host", "_standing_by", "_task", "_wake", "_work")

    def __init__(self, host: Host, standing_by: list[_Worker]) -> None:
        self._host = host
        self._standing_by = standing_by
        self._context = copy_context()
        self._work: tuple[Awaitable[Any], Done] | None = None
        self._wake: asyncio.Future[None] | None = None
        self._task = host.run(self._serve(), context=self._context)

    def first_step(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Let a coroutine run until it waits or ends; returns what it waits for, raises what it ends with."""
        loop, task = self._host.loop, self._task
        _enter_task(loop, task)
        try:
            return self._context.run(coroutine.send, None)
        finally:
            _leave_task(loop, task)

    def go_on(self, rest: Awaitable[Any], done: Done) -> None:
        """Take over what is left of a coroutine, or all of it."""
        self._work = (rest, done)
        if self._wake is not None:
            self._wake.set_result(None)
            self._wake = None

    async def _serve(self) -> None:
        while True:
            if self._work is None:
                self._wake = self._host.loop.create_future()
                await self._wake
            assert self._work is not None, "woken with work"
            rest, done = self._work
            self._work = None
            try:
                result = await rest
            except BaseException as error:
                done(None, error)
                if not isinstance(error, Exception):
                    raise
            else:
                done(result, None)
            self._standing_by.append(self)


class _Rest:
    """What is left of a coroutine after its first step."""

    __slots__ = ("_awaited", "_coroutine")

    def __init__(self, coroutine: Coroutine[Any, Any, Any], awaited: Any) -> None:
        self._coroutine = coroutine
        self._awaited = awaited

    def __await__(self) -> Generator[Any, Any, Any]:
        coroutine, awaited = self._coroutine, self._awaited
        try:
            while True:
                try:
                    sent = yield awaited
                except GeneratorExit:
                    coroutine.close()
                    raise
                except BaseException as error:
                    awaited = coroutine.throw(error)
                else:
                    awaited = coroutine.send(sent)
        except StopIteration as stop:
            return stop.value
