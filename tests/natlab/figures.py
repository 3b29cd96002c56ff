"""What is wanted of each pair at a round trip of 80 ms: the path, and how soon the first byte comes on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..support.nat_matrix import DIRECT, RELAY, expected
from .matrix import Cell

EASY_MS = 280.0
HARD_MS = 320.0  # a box with a mapping for each endpoint, where plain knocks or a port told ahead help
SEARCH_MS = 1500.0  # one where many ports have to be tried
COLD_MS = 1500.0  # without UDP, from the start of both nodes
RELAYED_MS = 220.0  # the first byte, wherever it comes by a relay
PORT_FILTERED = {"fw", "port", "cgnat"}
RANDOM_PORTS = {"sym", "cgnatsym"}

SPECIAL: Mapping[tuple[str, ...], str] = {
    ("cgnat", "cgnat"): DIRECT,
    ("cgnat", "port"): DIRECT,
    ("cgnatsym", "port"): DIRECT,
    ("cgnatsym", "addr"): DIRECT,
    ("cgnatsym", "cgnatsym"): RELAY,
    ("port:hosts=2",): DIRECT,
    ("port:hosts=2:isolated",): RELAY,
    ("port:hosts=2:isolated:hairpin",): DIRECT,
    ("port+port:hosts=2",): RELAY,
    ("port+port:hosts=2:hairpin",): DIRECT,
    ("port+sym:hosts=2:hairpin",): RELAY,
}
"""Carriers' boxes, and two hosts behind the same box or carrier, by the path that they allow."""

SELECTION: tuple[tuple[str, ...], ...] = (
    ("none", "none"),
    ("none", "fw"),
    ("none", "sym"),
    ("none", "udpblock"),
    ("fw", "full"),
    ("fw", "port"),
    ("full", "full"),
    ("full", "symseq"),
    ("addr", "addr"),
    ("addr", "sym"),
    ("port", "port"),
    ("port", "sym"),
    ("port", "symseq"),
    ("sym", "sym"),
    ("sym", "symseq"),
    ("symseq", "symseq"),
    ("udpblock", "udpblock"),
    ("cgnat", "cgnat"),
    ("cgnatsym", "addr"),
    ("port:hosts=2",),
    ("port:hosts=2:isolated",),
    ("port+port:hosts=2:hairpin",),
)
"""Each kind, and each way to meet, in less than six minutes beside aioice."""


def wanted_path(sites: tuple[str, ...]) -> str | None:
    """Return `D` or `R`; None where the sites have modifiers that the table knows nothing of."""
    if sites in SPECIAL:
        return SPECIAL[sites]
    return expected(*sites) if len(sites) == 2 and not any(set(":+") & set(site) for site in sites) else None


def limit_ms(sites: tuple[str, ...]) -> float:
    """Return until when the first byte should have come on the final path."""
    kinds = set(sites)
    if "udpblock" in kinds:
        return COLD_MS
    if wanted_path(sites) == RELAY:
        return RELAYED_MS
    if kinds & RANDOM_PORTS and kinds & PORT_FILTERED:
        return SEARCH_MS
    return HARD_MS if kinds & (RANDOM_PORTS | {"symseq"}) else EASY_MS


def as_wanted(cell: Cell) -> bool:
    """Tell whether two sites met by the way that they should, whatever time it took; a better way is fine, too."""
    return cell.path in (wanted_path(cell.sites), DIRECT)


def faults(cell: Cell) -> list[str]:
    """Say what is not as it should be, in a few words each."""
    found = []
    wanted = wanted_path(cell.sites)
    if wanted is not None and not as_wanted(cell):
        found.append(f"{cell.path} instead of {wanted}")
    limit = limit_ms(cell.sites)
    if cell.final_ms is not None and cell.final_ms > limit:
        found.append(f"{cell.final_ms:.0f} ms, {limit:.0f} wanted")
    late = [time_ms for time_ms in relayed_ms(cell) if time_ms > RELAYED_MS]
    if late and limit != RELAYED_MS:
        found.append(f"first byte by relay {max(late):.0f} ms, {RELAYED_MS:.0f} wanted")
    return found


def relayed_ms(cell: Cell) -> list[float]:
    """List when first bytes came by a relay; those of nodes without UDP are not among them, as they start cold."""
    return [
        outcome.first_ms
        for outcome in cell.outcomes
        if outcome.first_path == "relay" and outcome.first_ms is not None and cell.start == "warm"
    ]


def is_udp_pair(cell: Cell) -> bool:
    """Tell whether UDP passes at both ends."""
    return "udpblock" not in cell.sites


def ratios(cells: Iterable[Cell], beside: Iterable[Cell]) -> dict[tuple[str, ...], float]:
    """Return how long each pair took, in terms of how long the other program took, where both connected."""
    others = {cell.sites: cell.final_ms for cell in beside}
    return {
        cell.sites: cell.final_ms / other
        for cell in cells
        if cell.final_ms is not None and (other := others.get(cell.sites)) is not None
    }
