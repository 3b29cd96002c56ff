"""`mesh99 put KEY VALUE`: keep a signed value in the DHT."""

from __future__ import annotations

import click

from .client import Client
from .options import MeshCommand, pass_environment
from .output import Environment, short


@click.command("put", cls=MeshCommand)
@click.argument("key")
@click.argument("value")
@pass_environment
def command(environment: Environment, key: str, value: str) -> None:
    """Store VALUE under KEY, signed by this node.

    The node renews it while it runs. A value that begins with a dash goes after `--`.
    """
    with environment.waiting(f"storing {key}"):
        stored = Client(environment.home).call("put", key=key, value=value)
    holders = "\n".join(short(node_id) for node_id in stored["stored_on"])
    environment.result(stored, lambda: environment.line(holders))
    if not environment.as_json:
        environment.note(f"{key} is stored on {len(stored['stored_on'])} nodes")
