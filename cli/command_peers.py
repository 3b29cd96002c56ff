"""`mesh99 peers`: the sessions and contacts of a running node."""

from __future__ import annotations

import click

from .client import Client
from .options import MeshCommand, pass_environment
from .output import Environment, short, size
from .peer_view import name_of, path_of, rtt_of


@click.command("peers", cls=MeshCommand)
@pass_environment
def command(environment: Environment) -> None:
    """List the peers this node has a line to, by which path, and why by that."""
    peers = Client(environment.home).call("peers")
    rows = [
        (
            short(peer["node_id"]),
            name_of(peer),
            path_of(peer),
            peer["endpoint"],
            rtt_of(peer),
            size(peer["tx_bytes"]),
            size(peer["rx_bytes"]),
            peer["why"],
        )
        for peer in peers
    ]
    columns = ("NODE", "NAME", "PATH", "ENDPOINT", ">RTT ms", ">SENT", ">RECEIVED", "WHY")
    environment.result(peers, lambda: environment.table(columns, rows))
