"""`mesh99 sim sweep`: one scenario over a grid of parameters and seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .exit_codes import ExitCode
from .failure import Failure
from .options import MeshCommand, pass_environment
from .output import Environment
from .sim_interrupt import until_interrupted
from .sim_options import Asked, crypto_option, scenario_argument, scenario_options

if TYPE_CHECKING:
    from ..simulations.sweep.runner import SweepProgress, SweepResult
    from ..simulations.sweep.summary import Row

ERRORS_MAX = 10
"""Runs without a result that are told of one by one."""


@click.command("sweep", cls=MeshCommand)
@scenario_argument
@scenario_options
@crypto_option
@click.option(
    "--grid",
    "grids",
    multiple=True,
    metavar="KEY=V1,V2",
    help="Values of a parameter; several make a grid. [repeatable]",
)
@click.option("--seeds", default="1..3", show_default=True, metavar="S", help="Seeds, such as 1..5,9.")
@click.option("--jobs", type=click.IntRange(1), metavar="N", help="Runs at once [default: one a core].")
@click.option("--scheduler", metavar="tcp://H:P", help="Run on this Dask cluster instead of this machine.")
@click.option(
    "--out",
    required=True,
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where results go. A sweep that was ended goes on with what it finds there.",
)
@pass_environment
def command(
    environment: Environment,
    asked: Asked,
    crypto: str,
    grids: tuple[str, ...],
    seeds: str,
    jobs: int | None,
    scheduler: str | None,
    out: Path,
) -> None:
    """Run SCENARIO at every point of a grid with every seed, and print the figures over the seeds."""
    from ..simulations.sweep.grid import parse_grid, parse_seeds
    from ..simulations.sweep.summary import summary_of
    from ..simulations.sweep.sweep import sweep

    with until_interrupted() as stop, _view(environment, asked.scenario.name) as tell:
        result = sweep(
            asked.scenario,
            grid=parse_grid(grids),
            seeds=parse_seeds(seeds),
            folder=out,
            jobs=jobs,
            scheduler=scheduler,
            crypto=crypto,
            on_progress=tell,
            stop=stop,
        )
    rows = summary_of(result)
    environment.result(_document(asked.scenario.name, result, rows, out), lambda: _show(environment, rows))
    _end(environment, result, rows, out)


@contextmanager
def _view(environment: Environment, name: str) -> Iterator[Callable[[SweepProgress], None]]:
    """Show how many runs are done."""
    with environment.progress(name) as bar:

        def tell(progress: SweepProgress) -> None:
            if bar is not None:
                bar(progress.done + progress.failed, progress.total)
            elif environment.verbose and not environment.as_json:
                failed = f", {progress.failed} failed" if progress.failed else ""
                environment.note(f"{name}: {progress.done} of {progress.total} runs{failed}")

        yield tell


def _document(name: str, result: SweepResult, rows: Sequence[Row], out: Path) -> dict[str, Any]:
    return {
        "scenario": name,
        "runs": len(result.tasks),
        "done": len(result.results),
        "interrupted": result.interrupted,
        "errors": dict(result.errors),
        "points": [row.document() for row in rows],
        "path": str(out),
    }


def _show(environment: Environment, rows: Sequence[Row]) -> None:
    """Print a table: the parameters of each point, and the mean of the main figures."""
    from ..simulations.report.figures import MAIN, text, title

    keys = list(rows[0].point) if rows else []
    heads = [*keys, ">RUNS", ">HELD", *(f">{title(figure).upper()}" for figure in MAIN)]
    table = []
    for row in rows:
        means = (row.figures[figure].mean if figure in row.figures else None for figure in MAIN)
        figures = (text(figure, mean) for figure, mean in zip(MAIN, means, strict=True))
        table.append((*row.point.values(), str(row.runs), str(row.passed), *figures))
    environment.table(heads, table)


def _end(environment: Environment, result: SweepResult, rows: Sequence[Row], out: Path) -> None:
    """Say what did not go well, by a note a run and the exit code."""
    for task in [task for task in result.tasks if task.key in result.errors][:ERRORS_MAX]:
        point = " ".join(f"{key}={value}" for key, value in task.point.items())
        environment.note(f"no result: {point} seed {task.seed}: {result.errors[task.key]}".replace("  ", " "))
    if result.interrupted:
        done = f"{len(result.results)} of {len(result.tasks)} runs are done"
        raise Failure(f"interrupted; {done}", "the same command goes on from there", ExitCode.INTERRUPTED)
    failed = sum(row.runs - row.passed for row in rows)
    if failed or result.errors:
        text = f"{failed} of {len(result.results)} runs failed"
        text += f", {len(result.errors)} have no result" if result.errors else ""
        raise Failure(text, f"see them with `mesh99 sim report {out}`")
