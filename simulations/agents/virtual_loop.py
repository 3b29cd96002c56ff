"""An asyncio event loop whose time is a World's.

Nothing waits: when no callback is ready, the next event of the World is run, and its time is the time. A day of
sleeping costs as much as a second of it.

Order is fixed where asyncio's own loop leaves it open. Its timers that are due at the same instant run in the order of
a heap that compares times only; here they lie in the World's heap of (nanoseconds, sequence) and run in the order in
which they were asked for. What `run_in_executor` is given runs at once, in this thread. There is no selector: sockets
are those of sockets.py, which go over the simulated network.

A world that has nothing left to do while the program still waits is stuck for ever, and says so (`Deadlock`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from contextvars import Context
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple

from ..world import NANOSECONDS, World

if TYPE_CHECKING:
    from .sockets import Sockets

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

CALLBACKS_WITHOUT_TIME_MAX = 1_000_000
"""Callbacks at one instant that show a program that never waits; a start of a thousand nodes at once takes a tenth."""

TASKS_TOLD_MAX = 8
"""Waiting tasks that a Deadlock names."""


class Deadlock(RuntimeError):
    """Somebody waits, and nothing will ever happen."""


class VirtualLoop(asyncio.BaseEventLoop):
    """Run callbacks and tasks in virtual time; errors that nobody caught are kept in `failures`."""

    def __init__(self, world: World, sockets: Sockets | None = None) -> None:
        super().__init__()
        self.world = world
        self.sockets = sockets
        self.failures: list[BaseException] = []
        self._callbacks_now = 0
        self._counted_at_ns = world.now_ns
        self.set_exception_handler(_keep)

    def __del__(self, _warn: object = None) -> None:
        """Nothing of the system has to be given back, so a loop that never ran need not be closed."""

    # time

    def time(self) -> float:
        """Return virtual seconds."""
        return self.world.now()

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Call back once `time()` has reached `when`, after what was asked for earlier for the same instant."""
        self._check_closed()  # type: ignore[attr-defined]
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        self.world.push(max(_nanoseconds(when), self.world.now_ns), _due, timer)
        return timer

    def call_later(
        self, delay: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Call back after a time."""
        return self.call_at(self.time() + delay, callback, *args, context=context)

    # running

    def _run_once(self) -> None:
        """Run what is ready, else let time go on to the next event. `run_forever` calls this until it is stopped."""
        ready: Any = self._ready  # type: ignore[attr-defined]
        if not ready and not self._stopping and not self.world.step():  # type: ignore[attr-defined]
            raise Deadlock(self._stuck())
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle.cancelled():
                handle._run()
        self._look_at_time()

    def _look_at_time(self) -> None:
        if self.world.now_ns != self._counted_at_ns:
            self._counted_at_ns, self._callbacks_now = self.world.now_ns, 0
        self._callbacks_now += 1
        if self._callbacks_now > CALLBACKS_WITHOUT_TIME_MAX:
            raise RuntimeError(f"time stands still at {self.time():.6f} s: something runs again and again")

    def _stuck(self) -> str:
        names = sorted(f"{task.get_name()} in {_place(task)}" for task in asyncio.all_tasks(self))
        told = "; ".join(names[:TASKS_TOLD_MAX]) or "no task"
        more = f" and {len(names) - TASKS_TOLD_MAX} more" if len(names) > TASKS_TOLD_MAX else ""
        return f"deadlock at {self.time():.6f} s: no event is left, and there wait: {told}{more}"

    # what other threads and the system do elsewhere

    def call_soon_threadsafe(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Call back soon: there is one thread."""
        return self.call_soon(callback, *args, context=context)

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Call at once, in this thread."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    async def create_datagram_endpoint(self, protocol_factory: Any, *args: Any, **options: Any) -> Any:
        """Bind a UDP port of a simulated machine."""
        return self._networked().bind_datagrams(protocol_factory, *args, **options)

    async def create_server(
        self, protocol_factory: Any, host: Any = None, port: Any = None, **options: Any
    ) -> Any:
        """Listen at a TCP port of a simulated machine."""
        return self._networked().listen(protocol_factory, host, port)

    def _networked(self) -> Sockets:
        if self.sockets is None:
            raise RuntimeError("this loop has no network")
        return self.sockets

    def _process_events(self, event_list: object) -> None:
        """There is no selector."""

    def _write_to_self(self) -> None:
        """There is nobody to be woken."""


def _nanoseconds(when: float) -> int:
    """Return the first instant at which `time()` is not before `when`."""
    time_ns = int(when * NANOSECONDS)
    return time_ns if time_ns / NANOSECONDS >= when else time_ns + 1


def _due(timer: asyncio.TimerHandle) -> None:
    if not timer.cancelled():
        timer._run()


def _keep(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Keep an error that nobody caught: a simulation that goes on after one would prove nothing."""
    assert isinstance(loop, VirtualLoop), "it is the handler of this loop only"
    error = context.get("exception")
    loop.failures.append(error if isinstance(error, BaseException) else RuntimeError(context["message"]))


def _place(task: asyncio.Task[Any]) -> str:
    frames = task.get_stack(limit=1)
    coroutine = getattr(task.get_coro(), "__qualname__", "?")
    return f"{coroutine}:{frames[-1].f_lineno}" if frames else coroutine
