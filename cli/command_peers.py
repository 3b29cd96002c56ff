"""`mesh99 peers`: the sessions and contacts of a running node."""

from __future__ import annotations

import click

from .client import Client
from .options import MeshCommand, pass_environment
from .output import Environment, decimal, short, size


@click.command("peers", cls=MeshCommand)
@pass_environment
def command(environment: Environment) -> None:
    """List the peers this node has a line to."""
    peers = Client(environment.home).call("peers")
    rows = [
        (
            short(peer["node_id"]),
            peer["name"] or "-",
            peer["path"],
            peer["endpoint"],
            decimal(peer["rtt_ms"]),
            size(peer["tx_bytes"]),
            size(peer["rx_bytes"]),
            peer["reason"],
        )
        for peer in peers
    ]
    columns = ("NODE", "NAME", "PATH", "ENDPOINT", ">RTT ms", ">SENT", ">RECEIVED", "WHY")
    environment.result(peers, lambda: environment.table(columns, rows))
