"""What is seen of a run while it runs: a live view on a terminal, with -v a line now and then elsewhere."""

from __future__ import annotations

import resource
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..simulations.outcome import Progress
from ..simulations.report.figures import duration, number
from .output import Environment, size

if TYPE_CHECKING:
    from rich.console import RenderableType

LINE_EVERY_S = 10.0
"""Real time between two plain lines: a log stays readable, and a run that is stuck is seen within a minute."""

FRAMES_PER_S = 5
"""Of the live view; more would take time from the run."""

SPARKS = 30
"""Columns of a small curve: the last part of the run, one column a hundredth of it."""
SPARK_SHARE = 0.01
BLOCKS = "▁▂▃▄▅▆▇█"

BAR_COLUMNS = 40
SPEED_MEMORY = 0.2
"""Weight of the newest speed in the estimate of what is left: joining, settling and measuring run at speeds of their
own, and the estimate follows within some seconds."""

ENDING = ": ending with what was measured; Ctrl-C ends it at once"

STATM = Path("/proc/self/statm")


class RunState:
    """What is known of a run, for any view."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.progress: Progress | None = None
        self.speed = 0.0
        """Virtual seconds in a real one, lately."""
        self.population: deque[float] = deque(maxlen=SPARKS)
        self.success: deque[float] = deque(maxlen=SPARKS)
        self._clock = clock
        self._began_s = clock()
        self._last: tuple[float, float] = (self._began_s, 0.0)
        self._spark: Progress | None = None

    @property
    def elapsed_s(self) -> float:
        """Real time since the run began."""
        return self._clock() - self._began_s

    @property
    def left_s(self) -> float | None:
        """Real time that is left, as far as can be told."""
        if self.progress is None or not self.speed:
            return None
        return max(0.0, self.progress.total_s - self.progress.virtual_s) / self.speed

    def update(self, progress: Progress) -> None:
        """Take in how far the run is."""
        self._follow_speed(progress)
        self._follow_curves(progress)
        self.progress = progress

    def _follow_speed(self, progress: Progress) -> None:
        now, (last_s, last_virtual_s) = self._clock(), self._last
        if now <= last_s or progress.virtual_s <= last_virtual_s:
            return
        newest = (progress.virtual_s - last_virtual_s) / (now - last_s)
        self.speed = SPEED_MEMORY * newest + (1 - SPEED_MEMORY) * self.speed if self.speed else newest
        self._last = now, progress.virtual_s

    def _follow_curves(self, progress: Progress) -> None:
        last = self._spark
        if last is not None and progress.virtual_s - last.virtual_s < SPARK_SHARE * progress.total_s:
            return
        self.population.append(progress.population)
        done = progress.operations - (last.operations if last else 0)
        if done > 0:
            self.success.append((progress.succeeded - (last.succeeded if last else 0)) / done)
        self._spark = progress


@contextmanager
def run_view(
    environment: Environment, title: str, stop: Callable[[], bool] = lambda: False
) -> Iterator[Callable[[Progress], None] | None]:
    """Show a run while it goes on; yield what to tell how far it is, or None when nothing is shown."""
    if environment.as_json:
        yield None
    elif environment.stderr.isatty():
        with _live(environment, title, stop) as tell:
            yield tell
    elif environment.verbose:
        yield plain_lines(environment, title)
    else:
        yield None


def plain_lines(
    environment: Environment, title: str, clock: Callable[[], float] = time.monotonic
) -> Callable[[Progress], None]:
    """Return what writes a line every few seconds of real time."""
    state = RunState(clock)
    told_s = clock()

    def tell(progress: Progress) -> None:
        nonlocal told_s
        state.update(progress)
        if clock() - told_s >= LINE_EVERY_S:
            told_s = clock()
            environment.note(f"{title}: {'; '.join(f'{name} {value}' for name, value in facts(state))}")

    return tell


@contextmanager
def _live(
    environment: Environment, title: str, stop: Callable[[], bool]
) -> Iterator[Callable[[Progress], None]]:
    from rich.live import Live

    state = RunState()
    console = environment.console(errors=True)
    frames = Live(
        console=console,
        get_renderable=lambda: drawn(state, f"{title}{ENDING if stop() else ''}"),
        refresh_per_second=FRAMES_PER_S,
        transient=True,
    )
    with frames:
        yield state.update


def drawn(state: RunState, title: str) -> RenderableType:
    """Draw the live view."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    progress = state.progress
    share = progress.virtual_s / progress.total_s if progress and progress.total_s else 0.0
    bar = Table.grid(padding=(0, 2, 0, 0))
    left = "" if state.left_s is None else f"{duration(round(state.left_s))} left"
    bar.add_row(
        ProgressBar(total=1.0, completed=share, width=BAR_COLUMNS, pulse=progress is None),
        f"{share:4.0%}",
        left,
    )
    rows = Table.grid(padding=(0, 2, 0, 0))
    sparks = {"nodes": sparkline(state.population), "lookups": sparkline(state.success, low=0.0, high=1.0)}
    for name, value in facts(state):
        rows.add_row(Text(name, style="dim"), value, Text(sparks.get(name, ""), style="cyan"))
    return Group(Text(title, style="bold"), bar, rows)


def facts(state: RunState) -> list[tuple[str, str]]:
    """Return what there is to say: names, and values with their units."""
    memory = ("memory", size(memory_bytes()))
    progress = state.progress
    if progress is None:
        return [("real", duration(round(state.elapsed_s))), memory]
    speed = f", {number(state.speed)} x real time" if state.speed else ""
    virtual = f"{duration(round(progress.virtual_s))} of {duration(round(progress.total_s))}{speed}"
    found = [("virtual", virtual), ("real", duration(round(state.elapsed_s)))]
    found.append(("nodes", f"{progress.population:,}"))
    if progress.operations:
        share = progress.succeeded / progress.operations
        found.append(("lookups", f"{progress.operations:,}, {share:.2%} right"))
    return [*found, memory]


def sparkline(values: deque[float], low: float | None = None, high: float | None = None) -> str:
    """Return a small curve of blocks; between its own lowest and highest value, if no others are given."""
    if len(values) < 2:
        return ""
    bottom, top = min(values) if low is None else low, max(values) if high is None else high
    steps = len(BLOCKS) - 1
    return "".join(BLOCKS[round((value - bottom) / ((top - bottom) or 1) * steps)] for value in values)


def memory_bytes() -> int:
    """Return the memory that this process holds now, or its most where the system does not say."""
    if STATM.exists():
        return int(STATM.read_text().split()[1]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
