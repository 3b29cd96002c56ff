"""What parent and child say to each other: a JSON object a line, over the child's standard input and output.

    parent to child   Setup first; then Start, Know, Join, LookUp, Report in any order
    child to parent   Started, Joined, LookedUp, Counts: an answer under the number of its order; Know has none

The end of its input is a child's order to end.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.json import Decoder, Encoder

from ...node.overlay.config import OverlayConfig

LINE_BYTES_MAX = 1 << 20
"""Longest line: a directory of a thousand nodes takes a tenth of it."""


class Order(Struct, frozen=True, kw_only=True, tag=True):
    """A line; answers come in any order, so they bear the number of what they answer."""

    number: int = 0


class Peer(Struct, frozen=True, kw_only=True):
    """Where a node is: index in the scenario, public key in hex, UDP port on the loopback."""

    index: int
    key: str
    port: int


class Setup(Order, frozen=True, kw_only=True):
    """Say what all nodes of a child have in common."""

    seed: int
    crypto: str
    latency: dict[str, str | float]
    """Of the scenario, in seconds."""
    loss: float
    config: OverlayConfig


class Start(Order, frozen=True, kw_only=True):
    """Start a node."""

    index: int


class Know(Order, frozen=True, kw_only=True):
    """Say who has which port, so that packets take the delay of their pair."""

    peers: list[Peer]


class Join(Order, frozen=True, kw_only=True):
    """Let a node join through others; without any it is the first."""

    index: int
    introducers: list[Peer]
    retry_s: float


class LookUp(Order, frozen=True, kw_only=True):
    """Let a node look up the `count` nodes nearest to an id, which is in hex."""

    index: int
    target: str
    count: int


class Report(Order, frozen=True, kw_only=True):
    """Ask for the counts of a child."""


class Started(Order, frozen=True, kw_only=True):
    """A node is bound."""

    peer: Peer


class Joined(Order, frozen=True, kw_only=True):
    """A node's table is filled."""

    took_s: float


class LookedUp(Order, frozen=True, kw_only=True):
    """A lookup ended: the ids of the nearest that answered, in hex, how deep the deepest, how many were asked."""

    took_s: float
    nearest: list[str]
    depth: int
    asked: int


class Counts(Order, frozen=True, kw_only=True):
    """What the nodes of a child did so far."""

    requests: dict[str, int]
    """Sent, by kind, repetitions included."""
    packets: int
    bytes: int
    """Of all packets, IPv4 and UDP headers included."""


ToChild = Setup | Start | Know | Join | LookUp | Report
ToParent = Started | Joined | LookedUp | Counts

_encoder = Encoder()
_to_child: Decoder[ToChild] = Decoder(ToChild)
_to_parent: Decoder[ToParent] = Decoder(ToParent)


def encode(order: Order) -> bytes:
    """Return a line."""
    return _encoder.encode(order) + b"\n"


def to_child(line: bytes) -> ToChild:
    """Read a line that a parent wrote."""
    return _to_child.decode(line)


def to_parent(line: bytes) -> ToParent:
    """Read a line that a child wrote."""
    return _to_parent.decode(line)
