"""What an evil registry answers: each lie takes a request and the honest answer, and gives another answer.

A registry is a hint and never an authority, so none of these may do more than keep a node from its first peers: what is
forged is refused by whoever reads it, and what is withheld is found in the overlay.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from random import Random
from typing import Any

import msgspec

from ...wire.identity import NodeId
from .registry import Lie

Rows = list[dict[str, Any]]

GARBAGE_BYTES = 4096


def nobody(request: bytes, answer: bytes) -> bytes:
    """Know nobody."""
    return _with_rows(answer, lambda rows: [])


def only(accomplices: Collection[NodeId]) -> Lie:
    """Return a lie that names accomplices only: an eclipse from the first contact on."""
    names = [node_id.text for node_id in accomplices]

    def lie(request: bytes, answer: bytes) -> bytes:
        return _with_rows(answer, lambda rows: [row for row in rows if _node_id(row) in names])

    return lie


def forged(random: Random) -> Lie:
    """Return a lie that changes every signed record by one character."""

    def lie(request: bytes, answer: bytes) -> bytes:
        return _with_rows(answer, lambda rows: [_changed(row, random) for row in rows])

    return lie


def garbage(random: Random) -> Lie:
    """Return a lie that is no JSON at all."""

    def lie(request: bytes, answer: bytes) -> bytes:
        return _with_body(answer, random.randbytes(GARBAGE_BYTES))

    return lie


def sometimes(lie: Lie, share: float, random: Random) -> Lie:
    """Return a lie that is told in a share of the answers."""

    def told(request: bytes, answer: bytes) -> bytes:
        return lie(request, answer) if random.random() < share else answer

    return told


def _with_rows(answer: bytes, change: Callable[[Rows], Rows]) -> bytes:
    """Change an answer that is a list of agents; others stay as they are."""
    try:
        rows = msgspec.json.decode(answer.partition(b"\r\n\r\n")[2])
    except msgspec.DecodeError:
        return answer
    if not isinstance(rows, list):
        return answer
    return _with_body(answer, msgspec.json.encode(change(rows)))


def _with_body(answer: bytes, body: bytes) -> bytes:
    head, blank, _ = answer.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length:")]
    return b"\r\n".join([*lines, b"Content-Length: %d" % len(body)]) + blank + body


def _node_id(row: dict[str, Any]) -> object:
    p2p = row.get("p2p")
    return p2p.get("node_id") if isinstance(p2p, dict) else None


def _changed(row: dict[str, Any], random: Random) -> dict[str, Any]:
    p2p = row.get("p2p")
    if not isinstance(p2p, dict) or not isinstance(p2p.get("record"), str):
        return row
    record = p2p["record"]
    at = random.randrange(len(record) - 2)
    other = "A" if record[at] != "A" else "B"
    return {**row, "p2p": {**p2p, "record": record[:at] + other + record[at + 1 :]}}
