"""How a peer is shown: who, by which path and why, how far, how much."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .output import decimal, short

Peer = Mapping[str, Any]


def name_of(peer: Peer) -> str:
    """Return the name of a peer."""
    return peer["name"] or "-"


def path_of(peer: Peer) -> str:
    """Return the kind of the path, and through whose relay it goes."""
    if peer["via"] is None:
        return str(peer["path"])
    return f"{peer['path']} via {peer['via_name'] or short(peer['via'])}"


def rtt_of(peer: Peer) -> str:
    """Return the round trip in milliseconds."""
    return decimal(peer["rtt_ms"])
