"""Progress bars: for work whose time is known beforehand, and for work that tells how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.progress_bar import ProgressBar

BAR_COLUMNS = 30


class TimeBar(ProgressColumn):
    """A bar that fills with the time a task has run."""

    def render(self, task: Task) -> ProgressBar:
        """Draw it; `total` of the task is in seconds."""
        return ProgressBar(total=task.total, completed=task.elapsed or 0.0, width=BAR_COLUMNS)


@contextmanager
def countdown(console: Console, what: str, duration_s: float) -> Iterator[None]:
    """Show a bar that fills within `duration_s`, and goes away at the end."""
    with Progress(TextColumn("{task.description}"), TimeBar(), console=console, transient=True) as progress:
        progress.add_task(what, total=duration_s)
        yield


@contextmanager
def counted(console: Console, what: str) -> Iterator[Callable[[float, float], None]]:
    """Show a bar that fills as the function that is yielded is told: `progress(done, total)`."""
    with Progress(TextColumn("{task.description}"), BarColumn(), console=console, transient=True) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
