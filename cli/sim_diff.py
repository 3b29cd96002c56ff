"""`mesh99 sim diff`: where two runs part, and why."""

from __future__ import annotations

from pathlib import Path

import click

from .failure import Failure
from .options import MeshCommand, pass_environment
from .output import Environment


@click.command("diff", cls=MeshCommand)
@click.argument("a", metavar="A", type=click.Path(exists=True, path_type=Path, dir_okay=False))
@click.argument("b", metavar="B", type=click.Path(exists=True, path_type=Path, dir_okay=False))
@pass_environment
def command(environment: Environment, a: Path, b: Path) -> None:
    """Show the first event that is not the same in two runs, and what led to it.

    A and B are traces (`sim run --trace FILE`), or results, whose runs are then made again.

    Exit code 0: the same happened in both; 1: they part.
    """
    from ..simulations.replay.diff import diff

    with environment.waiting("comparing"):
        difference = diff(a, b)

    def show() -> None:
        for line in difference.lines():
            environment.line(line)

    environment.result(difference.document(), show)
    if not difference.same:
        raise Failure(f"the runs part after {difference.records:,} records")
