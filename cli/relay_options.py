"""The options of `mesh99 up` that say whether it relays for others, and how much."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .quantities import BITS_PER_S, BYTES

if TYPE_CHECKING:
    from ..nat.relay.config import RelayConfig

F = TypeVar("F", bound=Callable[..., Any])

BITS = 8
COUNT = click.IntRange(1, 65536)

OPTIONS = (
    click.option(
        "--relay/--no-relay",
        "relay",
        default=None,
        help="Relay for nodes that cannot be called: as an operator, or never. [default: as a volunteer, with small"
        " limits, while strangers reach this node]",
    ),
    click.option(
        "--relay-reservations", type=COUNT, metavar="N", help="Nodes reached through it. [default: 1024]"
    ),
    click.option("--relay-circuits", type=COUNT, metavar="N", help="Circuits at once. [default: 1024]"),
    click.option("--relay-rate", type=BITS_PER_S, metavar="RATE", help="Of each circuit. [default: 1Mbit]"),
    click.option("--relay-total-rate", type=BITS_PER_S, metavar="RATE", help="Of all. [default: no end]"),
    click.option("--relay-volume", type=BYTES, metavar="SIZE", help="Carried in all. [default: no end]"),
    click.option(
        "--relay-region", metavar="TEXT", help="Where it stands, told to those who look for a relay."
    ),
)


def relay_options(command: F) -> F:
    """Give a command these options."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def relay_of(
    *,
    relay: bool | None,
    relay_reservations: int | None,
    relay_circuits: int | None,
    relay_rate: int | None,
    relay_total_rate: int | None,
    relay_volume: int | None,
    relay_region: str | None,
) -> RelayConfig | None:
    """Return what was asked for; None when nothing was said. Limits without --relay are wrong usage."""
    from ..nat.relay.config import RelayConfig

    given = {
        "reservations_max": relay_reservations,
        "circuits_max": relay_circuits,
        "circuit_bytes_per_s": relay_rate and relay_rate / BITS,
        "bytes_per_s_max": relay_total_rate and relay_total_rate / BITS,
        "relayed_bytes_max": relay_volume,
        "region": relay_region,
    }
    limits = {name: limit for name, limit in given.items() if limit is not None}
    if limits and not relay:
        raise click.UsageError("limits of a relay (--relay-...) go with --relay")
    if relay is None:
        return None
    return RelayConfig.operator(**limits) if relay else RelayConfig(serve=False)
