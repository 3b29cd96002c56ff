"""`mesh99 sim list`: what can be simulated, checked, and made to fail."""

from __future__ import annotations

import click

from .options import MeshCommand, pass_environment
from .output import Environment


@click.command("list", cls=MeshCommand)
@click.option("--points", is_flag=True, help="List the fault points in the code instead.")
@click.option("--checks", is_flag=True, help="List the invariants that are checked instead.")
@pass_environment
def command(environment: Environment, points: bool, checks: bool) -> None:
    """List the scenarios."""
    if points and checks:
        raise click.UsageError("--points and --checks are two lists: give one")
    if points:
        _show(environment, "point", "WHAT HAPPENS", _points())
    elif checks:
        _show(environment, "check", "WHAT MUST HOLD", _checks())
    else:
        _show(environment, "scenario", "WHAT HAPPENS", _scenarios())


def _scenarios() -> dict[str, str]:
    from ..simulations.scenario.catalog import shipped

    return shipped()


def _points() -> dict[str, str]:
    from ..wire.fault_points import POINTS

    return dict(POINTS)


def _checks() -> dict[str, str]:
    from ..simulations.checks import INVARIANTS

    return dict(INVARIANTS)


def _show(environment: Environment, name: str, says: str, rows: dict[str, str]) -> None:
    document = [{name: key, "description": text} for key, text in rows.items()]
    environment.result(document, lambda: environment.table((name.upper(), says), rows.items()))
