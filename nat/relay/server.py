"""The serving side: who may be reached through this node, and whose packets go where.

A relay knows node ids and sessions, never addresses that somebody names: packets leave only over sessions that stand,
so it cannot be aimed at anything. What it carries is sealed between the ends. It tells each end where it sees the
other one, which is all that two nodes behind boxes need to meet without it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from ...wire.endpoint import Endpoint
from ...wire.identity import NodeId
from ..bucket import TokenBucket
from ..messages import (
    Closed,
    Incoming,
    Open,
    Opened,
    Reason,
    Refused,
    RelayMessage,
    Reserve,
    Reserved,
    encode,
)
from .config import RelayConfig
from .offer import Offer

BURSTS_PER_S = 4.0
"""What all circuits may carry at once, as a part of a second's worth."""

REASONS = {
    Reason.NO_RESERVATION: "nobody of that name is reached here",
    Reason.TOO_MANY: "too many",
    Reason.NOT_SERVING: "not serving",
}


class Leg(NamedTuple):
    """One end's side of a circuit: whose, and its number there."""

    peer: NodeId
    circuit: int


@dataclass(slots=True)
class _Circuit:
    opener: Leg
    target: Leg
    bucket: TokenBucket
    used_at: float

    def other(self, leg: Leg) -> Leg:
        return self.target if leg == self.opener else self.opener


@dataclass(slots=True)
class _Reservation:
    endpoint: Endpoint
    ends_at: float


class RelayServer:
    """Keep reservations and circuits; the owner carries words and packets over its sessions."""

    def __init__(self, config: RelayConfig) -> None:
        self._config = config
        self._reservations: dict[NodeId, _Reservation] = {}
        self._circuits: dict[Leg, _Circuit] = {}
        self._opened: Counter[NodeId] = Counter()
        self._numbered = 0
        burst_bytes = max(config.bytes_per_s_max / BURSTS_PER_S, config.circuit_burst_bytes)
        self._all = TokenBucket(config.bytes_per_s_max, burst_bytes, 0.0)
        self.serves = config.serve is True
        """Whether this node relays for others now; a volunteer's owner knows."""
        self.carried_bytes = 0
        self.dropped: Counter[str] = Counter()

    @property
    def offer(self) -> Offer:
        """Return what is left to give."""
        config = self._config
        shares = [self.reservations / config.reservations_max, self.circuits / config.circuits_max]
        if config.relayed_bytes_max:
            shares.append(self.carried_bytes / config.relayed_bytes_max)
        free = config.reservations_max - self.reservations if self.serves else 0
        return Offer(free, min(1.0, max(shares)), config.region)

    @property
    def is_busy(self) -> bool:
        """Tell whether anybody is served."""
        return bool(self._reservations or self._circuits)

    @property
    def reservations(self) -> int:
        """How many nodes can be reached through this one."""
        return len(self._reservations)

    @property
    def circuits(self) -> int:
        """How many circuits stand."""
        return len(self._circuits) // 2

    def holds(self, peer: NodeId) -> bool:
        """Tell whether the session with a peer should be kept: it has a reservation or a circuit."""
        return peer in self._reservations or any(leg.peer == peer for leg in self._circuits)

    def receive(
        self, message: RelayMessage, peer: NodeId, endpoint: Endpoint, now: float
    ) -> list[tuple[NodeId, bytes]]:
        """Act on a word of a peer that is met at an endpoint; returns what is to be said to whom."""
        if isinstance(message, Reserve):
            return [(peer, encode(Reserved(self._reserve(peer, endpoint, now))))]
        if isinstance(message, Open):
            return self._open(Leg(peer, message.circuit), endpoint, message.target, now)
        if isinstance(message, Closed):
            return self._close(Leg(peer, message.circuit))
        return []

    def forward(self, peer: NodeId, circuit: int, size_bytes: int, now: float) -> Leg | None:
        """Return where a packet goes on; None when it is lost: no such circuit, or over what it may carry."""
        leg = Leg(peer, circuit)
        found = self._circuits.get(leg)
        if found is None:
            self.dropped["relay: no such circuit"] += 1
            return None
        limit = self._config.relayed_bytes_max
        if limit and self.carried_bytes + size_bytes > limit:
            self.dropped["relay: volume used up"] += 1
            return None
        if not found.bucket.take(size_bytes, now):
            self.dropped["relay: over the rate of a circuit"] += 1
            return None
        if self._config.bytes_per_s_max and not self._all.take(size_bytes, now):
            self.dropped["relay: over the rate of all"] += 1
            return None
        found.used_at = now
        self.carried_bytes += size_bytes
        return found.other(leg)

    def moved(self, peer: NodeId, endpoint: Endpoint) -> list[tuple[NodeId, bytes]]:
        """Note where a peer is met from now on; returns what is to be said to the other ends of its circuits."""
        reservation = self._reservations.get(peer)
        if reservation is not None:
            reservation.endpoint = endpoint
        said: list[tuple[NodeId, bytes]] = []
        for leg, circuit in self._circuits.items():
            if leg.peer == peer:
                other = circuit.other(leg)
                word = Incoming if other == circuit.target else Opened
                said.append((other.peer, encode(word(other.circuit, endpoint))))
        return said

    def left(self, peer: NodeId) -> list[tuple[NodeId, bytes]]:
        """Forget a peer whose session is over; returns what is to be said to the other ends."""
        self._reservations.pop(peer, None)
        said: list[tuple[NodeId, bytes]] = []
        for leg in [leg for leg in self._circuits if leg.peer == peer]:
            said += self._close(leg)
        return said

    def expire(self, now: float) -> list[tuple[NodeId, bytes]]:
        """Forget what has come to its end; returns what is to be said to whom."""
        for peer in [peer for peer, each in self._reservations.items() if each.ends_at <= now]:
            del self._reservations[peer]
        idle_since = now - self._config.circuit_idle_s
        said: list[tuple[NodeId, bytes]] = []
        for circuit in [each for leg, each in self._circuits.items() if leg == each.opener]:
            if circuit.used_at <= idle_since:
                said.append((circuit.opener.peer, encode(Closed(circuit.opener.circuit))))
                said += self._close(circuit.opener)
        return said

    def _reserve(self, peer: NodeId, endpoint: Endpoint, now: float) -> int:
        """Return the life of a reservation, 0 when there is no room for it."""
        config = self._config
        others = [each for who, each in self._reservations.items() if who != peer]
        same_host = sum(each.endpoint.host == endpoint.host for each in others)
        why = (
            "not serving" if not self.serves
            else "no place left" if len(others) >= config.reservations_max
            else "too many of one address" if same_host >= config.reservations_per_address_max
            else ""
        )  # fmt: skip
        if why:
            self.dropped[f"relay: no reservation, {why}"] += 1
            return 0
        self._reservations[peer] = _Reservation(endpoint, now + config.reservation_s)
        return config.reservation_s

    def _open(self, leg: Leg, endpoint: Endpoint, target: NodeId, now: float) -> list[tuple[NodeId, bytes]]:
        reservation = self._reservations.get(target)
        if leg in self._circuits and reservation is not None:
            return [(leg.peer, encode(Opened(leg.circuit, reservation.endpoint)))]
        reason = self._objection(leg, reservation, now)
        if reason is not None or reservation is None:
            reason = reason or Reason.NO_RESERVATION
            self.dropped[f"relay: no circuit, {REASONS[reason]}"] += 1
            return [(leg.peer, encode(Refused(leg.circuit, reason)))]
        self._numbered += 1
        other = Leg(target, 2 * self._numbered + 1)
        bucket = TokenBucket(self._config.circuit_bytes_per_s, self._config.circuit_burst_bytes, now)
        self._circuits[leg] = self._circuits[other] = _Circuit(leg, other, bucket, now)
        self._opened[leg.peer] += 1
        incoming, opened = Incoming(other.circuit, endpoint), Opened(leg.circuit, reservation.endpoint)
        return [(target, encode(incoming)), (leg.peer, encode(opened))]

    def _objection(self, leg: Leg, reservation: _Reservation | None, now: float) -> Reason | None:
        config = self._config
        if not self.serves:
            return Reason.NOT_SERVING
        if reservation is None or reservation.ends_at <= now or leg.circuit % 2:
            return Reason.NO_RESERVATION
        crowded = (
            self._opened[leg.peer] >= config.circuits_per_peer_max or self.circuits >= config.circuits_max
        )
        return Reason.TOO_MANY if crowded else None

    def _close(self, leg: Leg) -> list[tuple[NodeId, bytes]]:
        """Forget a circuit; returns the word for its other end."""
        circuit = self._circuits.pop(leg, None)
        if circuit is None:
            return []
        other = circuit.other(leg)
        self._circuits.pop(other, None)
        self._opened[circuit.opener.peer] -= 1
        if not self._opened[circuit.opener.peer]:
            del self._opened[circuit.opener.peer]
        return [(other.peer, encode(Closed(other.circuit)))]
