"""`mesh99 nat`: the box in front of a running node, what works through it, and what to change."""

from __future__ import annotations

from typing import Any

import click

from .client import Client
from .nat_view import WORKS, advice, facts
from .options import MeshCommand, pass_environment
from .output import Environment


@click.command("nat", cls=MeshCommand)
@pass_environment
def command(environment: Environment) -> None:
    """Tell how this node is reached, and by whom."""
    nat = Client(environment.home).call("nat")
    environment.result(nat, lambda: show(environment, nat))


def show(environment: Environment, nat: dict[str, Any]) -> None:
    """Print what is known, what works with whom, and what to do."""
    environment.fields(facts(nat))
    works = WORKS[nat["kind"]]
    if works:
        environment.line("")
        environment.table(("PEERS THAT ARE", "ARE REACHED"), works)
    told = advice(nat)
    if told:
        environment.line("")
    for text in told:
        environment.line(f"- {text}")
