"""Places in the code where something goes wrong on purpose, when a simulation asks for it (FoundationDB's BUGGIFY).

A place reads `if fault_points.active and fault_points.fires("dht.drop-reply", node_id):` and then does what a full
queue, a crash or an unlucky moment could do as well: nothing that the protocol does not promise to survive. Outside of
such simulations `active` is False, and a place costs one look at it. Who decides, and by which random numbers, is not
known here.
"""

from __future__ import annotations

from collections.abc import Callable

from .errors import ConfigError

POINTS = {
    "dht.drop-reply": "a request of the DHT is read and its answer is lost",
    "dht.hold-store": "a STORE stays until its first time-out",
    "dht.no-room": "a holder says that its store is full",
    "dht.stale-token": "the write token in an answer is out of date",
    "overlay.fail-dial": "a call fails at once, as without a route",
    "overlay.forget-line": "a session is forgotten as a packet comes in, as after a crash",
    "overlay.forget-half-open": "a handshake is answered and forgotten",
    "overlay.expire-cookie": "a cookie that comes back counts as out of date",
    "pump.duplicate-packet": "a packet leaves twice",
    "pump.early-timer": "a node wakes up before anything is due",
    "disk.lose-file": "the saved contacts cannot be found at the start",
}
"""What can be made to fail, and how that looks."""

Decide = Callable[[str, bytes], bool]
"""Given the point and the id of the node that passes it: whether it fails this time."""


def _never(point: str, node_id: bytes) -> bool:
    return False


active = False
"""Read as an attribute of this module at each point."""

_decide: Decide = _never


def fires(point: str, node_id: bytes) -> bool:
    """Tell whether a point fails now; ask only while `active`."""
    return _decide(point, node_id)


def begin(decide: Decide) -> None:
    """Let `decide` judge every pass of every point, in this process, until `end`."""
    global active, _decide
    active, _decide = True, decide


def end() -> None:
    """Let nothing fail any more."""
    global active, _decide
    active, _decide = False, _never


def check_point(point: str) -> None:
    """Raise ConfigError for a name that no point has."""
    if point not in POINTS:
        raise ConfigError("point", f"there is no fault point {point!r}", f"one of: {', '.join(POINTS)}")
