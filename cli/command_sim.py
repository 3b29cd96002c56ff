"""`mesh99 sim`: whole networks in one process, on a virtual clock."""

from __future__ import annotations

import click

from .options import MeshCommand, MeshGroup, pass_environment
from .output import Environment


@click.group("sim", cls=MeshGroup)
def command() -> None:
    """Simulate networks with the code of the real node."""


@command.command("list", cls=MeshCommand)
@pass_environment
def list_scenarios(environment: Environment) -> None:
    """List the scenarios."""
    from ..simulations import scenarios

    rows = list(scenarios().items())
    document = [{"scenario": name, "description": description} for name, description in rows]
    environment.result(document, lambda: environment.table(("SCENARIO", "WHAT HAPPENS"), rows))


@command.command("run", cls=MeshCommand)
@click.argument("scenario")
@click.option("--nodes", default=200, show_default=True, type=click.IntRange(2), metavar="N")
@click.option("--hours", type=click.FloatRange(0, 10_000, min_open=True), metavar="H", help="Virtual hours.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0), metavar="S")
@pass_environment
def run(environment: Environment, scenario: str, nodes: int, hours: float | None, seed: int) -> None:
    """Run SCENARIO and print its figures.

    The same scenario, nodes, hours and seed give the same digest: every datagram is the same.
    """
    from ..simulations import run_scenario

    with environment.progress(f"{scenario}, {nodes} nodes, seed {seed}") as progress:
        outcome = run_scenario(scenario, nodes=nodes, seed=seed, hours=hours, progress=progress)
    fields = [("scenario", scenario), ("seed", str(seed)), ("digest", outcome["digest"])]
    fields += [(name, f"{value:g}") for name, value in outcome["figures"].items()]
    environment.result(outcome, lambda: environment.fields(fields))
