"""`mesh99 sim shrink`: a failing run made small, while it fails in the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .exit_codes import ExitCode
from .failure import Failure
from .options import MeshCommand, pass_environment
from .output import Environment
from .sim_interrupt import until_interrupted
from .sim_result import told as failure_told

if TYPE_CHECKING:
    from ..simulations.replay.minimise import ShrinkProgress, Shrunk


@click.command("shrink", cls=MeshCommand)
@click.argument("run", metavar="RUN", type=click.Path(exists=True, path_type=Path, dir_okay=False))
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the small scenario goes [default: beside RUN].",
)
@click.option(
    "--minutes",
    default=15.0,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    metavar="M",
    help="Real time to spend.",
)
@pass_environment
def command(environment: Environment, run: Path, out: Path | None, minutes: float) -> None:
    """Find the smallest scenario that fails as the run of the result RUN did: fewer nodes, faults and seconds.

    It prints the scenario's file and the line that runs it. Ctrl-C ends the search with the smallest found so far.
    """
    from ..simulations.replay.minimise import ShrinkLimits
    from ..simulations.replay.shrink import shrink

    limits = ShrinkLimits(time_s=minutes * 60)
    with until_interrupted() as stop, _view(environment, run.name) as tell:
        shrunk = shrink(run, out=out or run.parent, limits=limits, on_progress=tell, stop=stop)
        interrupted = stop()
    environment.result(shrunk.document(), lambda: environment.fields(_fields(shrunk)))
    for note in shrunk.notes:
        environment.note(f"note: {note}")
    if interrupted:
        raise Failure("interrupted; this is the smallest found until then", None, ExitCode.INTERRUPTED)


def _fields(shrunk: Shrunk) -> list[tuple[str, str]]:
    from ..simulations.report.figures import duration

    return [
        ("scenario", str(shrunk.path or shrunk.scenario.name)),
        ("nodes", str(shrunk.scenario.population.nodes)),
        ("measured", duration(shrunk.scenario.duration)),
        ("seed", str(shrunk.seed)),
        ("failure", failure_told(shrunk.failure)),
        (
            "runs",
            f"{shrunk.runs} ({'no step makes it smaller' if shrunk.minimal else 'the limit of the search'})",
        ),
        ("taken", "; ".join(shrunk.taken) or "nothing"),
        ("run it", shrunk.line),
    ]


@contextmanager
def _view(environment: Environment, name: str) -> Iterator[Callable[[ShrinkProgress], None] | None]:
    """Show how small it is by now: on a terminal all the time, elsewhere with -v at each step that still fails."""
    if environment.as_json:
        yield None
    elif environment.stderr.isatty():
        with environment.console(errors=True).status(f"{name}: first run") as status:
            yield lambda progress: status.update(f"{name}: {told(progress)}")
    else:
        yield lambda progress: _note(environment, name, progress)


def _note(environment: Environment, name: str, progress: ShrinkProgress) -> None:
    if environment.verbose and progress.failed:
        environment.note(f"{name}: {told(progress)}")


def told(progress: ShrinkProgress) -> str:
    """Say in a line how far a search is."""
    from ..simulations.report.figures import duration

    size = f"{progress.nodes} nodes, {duration(progress.duration_s)}"
    return f"run {progress.runs}, smallest that fails: {size}; tried: {progress.trying}"
