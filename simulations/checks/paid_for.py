"""What is sent to an endpoint that somebody else has paid for: introductions by relays, and tokens that were asked for.

A relay tells a node where it sees the other end of a circuit, and the node sends replies and knocks there. They are
paid for by what came out of circuits whose other end is said to be at that address, whatever its port: a box may give
another one to each peer. Where both ends are seen at one public address it pays also for knocks at the address that the
other end has in the network behind it, by its own word. A token is a STUN Binding indication of 20 bytes, sent for a
peer who asked for it with more; a node sends no more of them than its configuration says.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...nat.bucket import TokenBucket
from ...nat.relay.circuits import Circuit
from ...nat.stun.message import MessageClass, Method, StunMessage, encode
from ...wire.endpoint import PRIVATE, Endpoint
from ..host import Host

FOLLOWED_MAX = 100_000
"""Hosts whose tokens are counted; the oldest goes."""

TOKEN = encode(StunMessage(Method.BINDING, MessageClass.INDICATION, bytes(12)), fingerprint=False)


class PaidFor:
    """Know what came out of the circuits of a host, and how many tokens it may send."""

    def __init__(self) -> None:
        self._tokens: dict[int, TokenBucket] = {}

    def introduced(self, host: Host, peer: Endpoint) -> int:
        """Return how many bytes came out of circuits whose other end is said to be at the address of an endpoint."""
        return sum(circuit.came_bytes for circuit in _circuits_to(host, peer))

    def is_called(self, host: Host, peer: Endpoint) -> bool:
        """Tell whether a host was told of an endpoint by a relay that it asked: what it sends there is no answer."""
        return any(circuit.target is not None for circuit in _circuits_to(host, peer))

    def is_token(self, packet: bytes) -> bool:
        """Tell whether a packet is one."""
        return packet[:8] == TOKEN[:8] and len(packet) == len(TOKEN)

    def may_send_token(self, host: Host, now_s: float) -> bool:
        """Tell whether a host sends no more tokens than it may, and count this one."""
        config = host.overlay.config.dial_back
        bucket = self._tokens.get(host.index)
        if bucket is None:
            bucket = TokenBucket(config.deliveries_per_s, config.deliveries_burst, now_s)
            if len(self._tokens) >= FOLLOWED_MAX:
                del self._tokens[next(iter(self._tokens))]
            self._tokens[host.index] = bucket
        return bucket.take(1, now_s)


def _circuits_to(host: Host, peer: Endpoint) -> Iterator[Circuit]:
    overlay = host.overlay
    circuits = overlay.relaying.circuits
    for circuit in circuits.all():
        if circuit.introduced is not None and circuit.introduced.host == peer.host:
            yield circuit
    for line in overlay.lines.current() if peer.scope == PRIVATE else ():
        attempt, used = overlay.punching.attempt_of(line), circuits.at(line.session.path)
        if attempt is not None and used is not None and peer in attempt.punch.targets:
            yield used
