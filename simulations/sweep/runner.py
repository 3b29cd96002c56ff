"""Run the tasks of a sweep to the end, whatever happens to the workers.

A run is a pure function of scenario, seed and code. So a run that was lost with its worker is submitted again, and a
result is taken whenever and from wherever it comes: the merged results are those of a serial run.

When a worker dies, Python's pool gives up every run under way and does not say which one killed it. Those are suspects:
they are tried again one at a time, each alone in a new pool, so that a run that kills its worker again and again is
known for sure, and given up without blaming another.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from dataclasses import dataclass
from typing import Any

from ..code_version import code_version
from ..scenario.schema import Scenario
from .grid import Task
from .results_file import ResultsFile
from .workers import Workers

Run = Callable[[Scenario, int], Mapping[str, Any]]
"""What makes a result, a JSON object, of a scenario and a seed; a function of a module, so that workers find it."""

LOST = (BrokenExecutor, CancelledError)
"""The worker or the executor went away; nothing is said about the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepConfig:
    """Say how much a sweep puts up with."""

    tries_max: int = 3
    """How often a run that was lost is tried alone before it is given up. Raising it helps on bad machines only."""

    poll_s: float = 0.2
    """How often it looks whether it shall stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepProgress:
    """How far a sweep is."""

    total: int
    done: int
    """Runs whose results are there, those of earlier times included."""
    resumed: int
    """Runs whose results were there before."""
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepResult:
    """What a sweep gave."""

    tasks: Sequence[Task]
    results: Mapping[str, Mapping[str, Any]]
    """Result by key, in the order of the tasks: the same however and wherever they ran."""
    errors: Mapping[str, str]
    """Why there is no result, by key."""
    interrupted: bool


class SweepRunner:
    """Run tasks on workers and keep their results in a file."""

    def __init__(
        self,
        run: Run,
        workers: Workers,
        file: ResultsFile,
        *,
        config: SweepConfig | None = None,
        on_progress: Callable[[SweepProgress], None] | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self._run = run
        self._workers = workers
        self._file = file
        self._config = config or SweepConfig()
        self._on_progress = on_progress
        self._stop = stop
        self._resumed = len(file.results)
        self._total = 0
        self._errors: dict[str, str] = {}

    def run(self, tasks: Sequence[Task]) -> SweepResult:
        """Run what is not done yet; Ctrl-C and `stop` end it with what is done."""
        self._total = len(tasks)
        waiting = deque(task for task in tasks if task.key not in self._file.results)
        interrupted = False
        try:
            self._tell()
            while waiting and not self._stop():
                lost = self._run_together(waiting)
                for task in lost:
                    self._run_alone(task)
        except KeyboardInterrupt:
            interrupted = True
        results = {task.key: self._file.results[task.key] for task in tasks if task.key in self._file.results}
        interrupted = interrupted or len(results) + len(self._errors) < len(tasks)
        return SweepResult(tasks=tasks, results=results, errors=self._errors, interrupted=interrupted)

    def _run_together(self, waiting: deque[Task]) -> list[Task]:
        """Run tasks as long as no worker is lost; return those that were lost."""
        executor = self._workers.open()
        under_way: dict[Future[str], Task] = {}
        try:
            while (waiting or under_way) and not self._stop():
                while waiting and len(under_way) < self._workers.slots:
                    under_way[self._submit(executor, waiting[0])] = waiting[0]
                    waiting.popleft()
                self._collect(under_way)
        except LOST:
            return self._rest(under_way)
        finally:
            self._end(executor, under_way)
        return []

    def _run_alone(self, task: Task) -> None:
        """Run one task that lost its worker in company, until it is done or has lost it too often."""
        for _ in range(self._config.tries_max):
            waiting = deque([task])
            if self._stop() or not self._run_together(waiting):
                return
        self._errors[task.key] = f"its worker died {self._config.tries_max} times: killed, or out of memory"
        self._tell()

    def _submit(self, executor: Executor, task: Task) -> Future[str]:
        return executor.submit(attempt, self._run, task.scenario, task.seed)

    def _collect(self, under_way: dict[Future[str], Task]) -> None:
        """Wait for a while, and take what is done; raises one of LOST when the executor is gone."""
        done, _ = wait(under_way, timeout=self._config.poll_s, return_when=FIRST_COMPLETED)
        for future in [future for future in under_way if future in done]:
            text = _answer(future)
            self._take(under_way.pop(future), text)

    def _rest(self, under_way: dict[Future[str], Task]) -> list[Task]:
        """Take what was done before the executor broke; return the tasks that were not."""
        lost = []
        for future, task in under_way.items():
            if future.done() and not future.cancelled() and not isinstance(future.exception(), LOST):
                self._take(task, _answer(future))
            else:
                lost.append(task)
        return lost

    def _take(self, task: Task, text: str) -> None:
        answer = json.loads(text)
        error = answer.get("error") or _unfit(answer["result"])
        if error:
            self._errors[task.key] = error
        else:
            self._file.add(
                {"key": task.key, "point": dict(task.point), **answer["result"], "seed": task.seed}
            )
        self._tell()

    def _end(self, executor: Executor, under_way: dict[Future[str], Task]) -> None:
        if all(future.done() for future in under_way):
            executor.shutdown(wait=True)
            return
        for future in under_way:
            future.cancel()
        self._workers.abandon(executor)

    def _tell(self) -> None:
        if self._on_progress is not None:
            done, failed = len(self._file.results), len(self._errors)
            progress = SweepProgress(total=self._total, done=done, resumed=self._resumed, failed=failed)
            self._on_progress(progress)


def attempt(run: Run, scenario: Scenario, seed: int) -> str:
    """Make a run in a worker; return JSON, and never an exception, which might not survive the way back."""
    try:
        return json.dumps({"result": dict(run(scenario, seed))}, allow_nan=False)
    except Exception as error:
        notes: Iterator[str] = iter(getattr(error, "__notes__", ()))
        return json.dumps({"error": " ".join(f"{type(error).__name__}: {error} {' '.join(notes)}".split())})


def _answer(future: Future[str]) -> str:
    """Return what a worker answered; raises one of LOST."""
    error = future.exception()
    if isinstance(error, LOST):
        raise error
    return future.result() if error is None else json.dumps({"error": f"{type(error).__name__}: {error}"})


def _unfit(result: Mapping[str, Any]) -> str:
    """Say why a result cannot be kept, if it cannot."""
    if result.get("interrupted"):
        return "it was interrupted"
    if result.get("code") not in (None, "", code_version()):
        return f"its worker runs other code: {result['code']}, and here is {code_version()}"
    return ""
