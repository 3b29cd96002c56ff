"""`mesh99 ping PEER`: round trips on the encrypted line."""

from __future__ import annotations

import click

from .client import Client
from .options import MeshCommand, pass_environment
from .output import Environment


@click.command("ping", cls=MeshCommand)
@click.argument("peer")
@click.option("-c", "--count", default=4, show_default=True, type=click.IntRange(1, 1000), metavar="N")
@pass_environment
def command(environment: Environment, peer: str, count: int) -> None:
    """Measure round trips to PEER.

    The first one may hold the time to find the peer and open a session.
    """
    client = Client(environment.home)
    rtt_ms: list[float] = []
    for number in range(1, count + 1):
        rtt_ms += client.call("ping", peer=peer, count=1)["rtt_ms"]
        if not environment.as_json:
            environment.line(f"{number}  {rtt_ms[-1]:.3f} ms")
    if environment.as_json:
        environment.document({"peer": peer, "rtt_ms": rtt_ms})
    elif count > 1:
        middle = sorted(rtt_ms)[len(rtt_ms) // 2]
        environment.note(f"min {min(rtt_ms):.3f} ms, median {middle:.3f} ms, max {max(rtt_ms):.3f} ms")
