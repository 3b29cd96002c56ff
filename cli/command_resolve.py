"""`mesh99 resolve PEER`: the signed record of one agent."""

from __future__ import annotations

import click

from .client import Client
from .options import MeshCommand, pass_environment
from .output import Environment


@click.command("resolve", cls=MeshCommand)
@click.argument("peer")
@pass_environment
def command(environment: Environment, peer: str) -> None:
    """Show the node record of PEER."""
    with environment.waiting(f"looking for {peer}"):
        record = Client(environment.home).call("resolve", peer=peer)
    fields = [(name.replace("_", " "), text_of(value)) for name, value in record.items()]
    environment.result(record, lambda: environment.fields(fields))


def text_of(value: object) -> str:
    """Return a record's value as people read it."""
    if isinstance(value, list):
        return ", ".join(text_of(item) for item in value) or "-"
    if isinstance(value, dict):
        return " ".join(text_of(item) for item in value.values())
    return "-" if value in ("", None) else str(value)
