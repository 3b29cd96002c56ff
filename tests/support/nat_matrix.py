"""By which way two nodes meet, for each pair of boxes: one table for the simulator's test and for the lab's.

The kinds are those of the NAT lab: `none` (public), `fw` (public, but only what was sent to may answer), `full`, `addr`
and `port` (one outer port for all; in comes anybody, who was sent to at that address, or at that address and port),
`sym` and `symseq` (another port for each peer, at random or the next one), `udpblock` (TCP only).
"""

from __future__ import annotations

KINDS = ("none", "fw", "full", "addr", "port", "sym", "symseq", "udpblock")

DIRECT, RELAY, NONE = "D", "R", "-"

NEEDS_TCP = frozenset(("udpblock",))
"""Kinds that are met over TCP to a relay only."""

SEARCHED = frozenset(frozenset(pair) for pair in (("fw", "sym"), ("port", "sym")))
"""Pairs that meet at a port that is guessed: 97 % of them within six seconds, the others in a later search."""


def expected(one: str, other: str) -> str:
    """Return by which way two are met, whoever calls."""
    kinds = {one, other}
    if kinds & NEEDS_TCP or kinds == {"sym"} or kinds == {"sym", "symseq"}:
        return RELAY
    return DIRECT
