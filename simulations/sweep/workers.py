"""Where runs run: the processes of this machine, or a Dask cluster; both speak `concurrent.futures.Executor`."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from importlib import import_module
from multiprocessing import resource_tracker
from typing import Any, ParamSpec, Protocol, TypeVar

from ...wire.errors import ConfigError

P = ParamSpec("P")
T = TypeVar("T")

CONNECT_TIMEOUT_S = 10
"""A scheduler that has not answered by then is not there."""


class Workers(Protocol):
    """What a sweep needs of the place where its runs run."""

    slots: int
    """Runs that are submitted at once; when workers die, these are the ones that may be to blame."""

    def open(self) -> Executor:
        """Return an executor, a new one when the last was lost."""

    def abandon(self, executor: Executor) -> None:
        """Let go of an executor at once, with what it is doing."""

    def close(self) -> None:
        """Give everything back."""


class LocalWorkers:
    """Processes of this machine, a new one for each run.

    So a run's memory goes back to the system, `peak_rss_mb` is its own, and nothing of one run can reach another. (More
    than one run a process is not to be had: the pool of Python 3.11 stops for good when several processes reach
    `max_tasks_per_child` together.)
    """

    def __init__(self, jobs: int | None = None) -> None:
        self.slots = jobs or len(os.sched_getaffinity(0))
        self._others: list[Any] = []

    def open(self) -> Executor:
        """Start a pool; its processes start as they are needed."""
        self._others = multiprocessing.active_children()
        # It leaves SIGINT unblocked in the thread that starts it: so it is started before the pool blocks it.
        resource_tracker.ensure_running()
        return Pool(
            self.slots,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=prepare_worker,
            max_tasks_per_child=1,
        )

    def abandon(self, executor: Executor) -> None:
        """End the pool's processes in the middle of what they do."""
        executor.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            if process not in self._others:
                process.terminate()

    def close(self) -> None:
        """Do nothing: each pool was ended by itself."""


class Pool(ProcessPoolExecutor):
    """A pool whose processes do not see a Ctrl-C even while they are starting.

    What a thread starts, processes and threads, has its signal mask. The first `submit` starts the thread that starts
    all later processes.
    """

    def submit(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Submit a call; a Ctrl-C at that moment comes right after it."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        try:
            return super().submit(call, *args, **kwargs)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


class ClusterWorkers:
    """The workers of a Dask cluster. The scheduler moves the runs of a worker that died to another one."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._client = _connect(address)
        # Twice as many as there are threads: a worker has its next run at hand when it is done with one.
        self.slots = 2 * max(1, sum(self._client.nthreads().values()))

    def open(self) -> Executor:
        """Return the cluster's executor, over a new connection when the last was lost."""
        if self._client.status != "running":
            self._client.close()
            self._client = _connect(self._address)
        executor: Executor = self._client.get_executor(pure=False)
        return executor

    def abandon(self, executor: Executor) -> None:
        """Cancel what was submitted."""
        executor.shutdown(wait=False)

    def close(self) -> None:
        """Leave the cluster."""
        self._client.close()


def prepare_worker() -> None:
    """Leave Ctrl-C to the parent, and end when the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What a run starts shall not inherit the pool's mask.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _connect(address: str) -> Any:
    try:
        distributed: Any = import_module("distributed")
    except ImportError as error:
        hint = "pip install 'mesh99[sweep]'"
        raise ConfigError(
            "scheduler", "needs the library distributed, which is not installed", hint
        ) from error
    try:
        return distributed.Client(address, timeout=CONNECT_TIMEOUT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        hint = "start one with `dask scheduler`, and workers with `dask worker tcp://HOST:PORT`"
        raise ConfigError("scheduler", f"no Dask scheduler answers at {address}", hint) from error
