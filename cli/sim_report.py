"""`mesh99 sim report`: results as a page with plots, as pictures, as a table for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .options import MeshCommand, pass_environment
from .output import Environment

if TYPE_CHECKING:
    from ..simulations.report.results import Found


@click.command("report", cls=MeshCommand)
@click.argument(
    "paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(exists=True, path_type=Path)
)
@click.option(
    "--out",
    default=Path("report.html"),
    show_default=True,
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The page.",
)
@click.option(
    "--png",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the plots as pictures, too.",
)
@click.option(
    "--parquet",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write all results as a table, too, and their curves beside it.",
)
@pass_environment
def command(
    environment: Environment, paths: tuple[Path, ...], out: Path, png: Path | None, parquet: Path | None
) -> None:
    """Make one page of results: files that `run` or `sweep` wrote, or folders of them."""
    from ..simulations.report.results import read_results

    with environment.waiting("reading results"):
        found = read_results(paths)
    for note in found.notes:
        environment.warn(note)
    with environment.waiting("drawing"):
        written = _write(found, out, png, parquet)
    document = {"runs": len(found.runs), "failed": sum(not run.passed for run in found.runs), **written}
    environment.result(document, lambda: _show(environment, written))


def _write(found: Found, out: Path, png: Path | None, parquet: Path | None) -> dict[str, Any]:
    from ..simulations.report.charts import charts_of
    from ..simulations.report.html import write_page
    from ..simulations.report.parquet import write_parquet
    from ..simulations.report.plots import write_pngs

    charts = charts_of(found.runs)
    write_page(found.runs, out, charts)
    written: dict[str, Any] = {"report": str(out)}
    if png is not None:
        written["png"] = [str(path) for path in write_pngs(charts, png)]
    if parquet is not None:
        written["parquet"] = [str(path) for path in write_parquet(found.runs, parquet)]
    return written


def _show(environment: Environment, written: dict[str, Any]) -> None:
    for paths in written.values():
        for path in [paths] if isinstance(paths, str) else paths:
            environment.line(path)
