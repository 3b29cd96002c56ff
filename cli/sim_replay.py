"""`mesh99 sim replay`: a recorded run again, compared with what was recorded, and its failure explained."""

from __future__ import annotations

from pathlib import Path

import click

from .failure import Failure
from .options import MeshCommand, pass_environment
from .output import Environment


@click.command("replay", cls=MeshCommand)
@click.argument("run", metavar="RUN", type=click.Path(exists=True, path_type=Path, dir_okay=False))
@click.option(
    "--last", default=20, show_default=True, type=click.IntRange(1, 1000), metavar="N", help="Events to show."
)
@pass_environment
def command(environment: Environment, run: Path, last: int) -> None:
    """Make the run of the result RUN again; tell whether the same happened, and what led to its failure.

    Exit code 0: the same happened, a failure included; 1: something else did.
    """
    from ..simulations.replay.replay import replay
    from .sim_view import run_view

    with run_view(environment, f"replay {run.name}") as tell:
        replayed = replay(run, on_progress=tell, last=last)
    environment.result(replayed.document(), lambda: _lines(environment, replayed.lines()))
    if not replayed.same:
        hint = (
            "other versions may do other things"
            if replayed.versions
            else "order, time or chance came from outside"
        )
        raise Failure(f"{run}: something else happened: {replayed.differences[0]}", hint)


def _lines(environment: Environment, lines: list[str]) -> None:
    for line in lines:
        environment.line(line)
