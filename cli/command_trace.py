"""`mesh99 trace KEY`: a lookup, question by question."""

from __future__ import annotations

import click

from .client import Client
from .options import MeshCommand, pass_environment
from .output import Environment, decimal, short


@click.command("trace", cls=MeshCommand)
@click.argument("key")
@pass_environment
def command(environment: Environment, key: str) -> None:
    """Look KEY up and show each hop."""
    with environment.waiting(f"looking up {key}"):
        trace = Client(environment.home).call("trace", key=key)
    rows = [
        (
            str(hop["depth"]),
            short(hop["node_id"]),
            hop["endpoint"],
            decimal(hop["rtt_ms"]),
            hop["outcome"],
            str(hop["closer"]),
        )
        for hop in trace["hops"]
    ]
    columns = (">DEPTH", "NODE", "ENDPOINT", ">RTT ms", "OUTCOME", ">CLOSER")
    environment.result(trace, lambda: environment.table(columns, rows))
