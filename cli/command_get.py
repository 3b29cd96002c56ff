"""`mesh99 get KEY`: read a signed value from the DHT."""

from __future__ import annotations

import click

from .client import Client
from .options import MeshCommand, pass_environment
from .output import Environment, short


@click.command("get", cls=MeshCommand)
@click.argument("key")
@pass_environment
def command(environment: Environment, key: str) -> None:
    """Print the value under KEY; its signature is checked."""
    with environment.waiting(f"looking up {key}"):
        found = Client(environment.home).call("get", key=key)
    environment.result(found, lambda: environment.line(found["value"]))
    if not environment.as_json:
        environment.note(f"signed by {short(found['from'])}, {found['hops']} hops, {found['ms']:g} ms")
