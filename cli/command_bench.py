"""`mesh99 bench PEER`: what the line to a peer carries."""

from __future__ import annotations

import click

from .client import TIMEOUT_S, Client
from .options import MeshCommand, pass_environment
from .output import Environment

PHASES = {
    "rtt": "round trips of 256 bytes, one after the other",
    "requests": "requests of 256 bytes, 64 at a time",
    "bulk": "1 MiB messages, 4 at a time",
}


@click.command("bench", cls=MeshCommand)
@click.argument("peer")
@click.option(
    "--duration", "duration_s", default=2.0, show_default=True, type=click.FloatRange(0.1, 60), metavar="S",
    help="Seconds for each of the three phases.",
)  # fmt: skip
@pass_environment
def command(environment: Environment, peer: str, duration_s: float) -> None:
    """Measure latency and throughput to PEER.

    The running node asks the peer for `echo`, typed, validated and encrypted both ways; bulk counts the
    bytes of one direction.
    """
    client = Client(environment.home)
    figures: dict[str, float] = {}
    for phase, what in PHASES.items():
        with environment.countdown(what, duration_s):
            figures |= client.call(
                "bench", peer=peer, phase=phase, duration_s=duration_s, wait_s=duration_s + TIMEOUT_S
            )
    environment.result({"peer": peer, **figures}, lambda: environment.fields(fields_of(figures)))


def fields_of(figures: dict[str, float]) -> list[tuple[str, str]]:
    """Return the figures with their units."""
    return [
        ("round trip", f"{figures['rtt_us']:.0f} us median, {figures['rtt_p99_us']:.0f} us p99"),
        ("requests", f"{figures['requests_per_s']:,.0f} /s"),
        ("bulk", f"{figures['mb_per_s']:.1f} MB/s"),
    ]
