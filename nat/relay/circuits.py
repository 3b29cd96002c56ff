"""The served side: the circuits of this node, each standing for an endpoint that packets can go to and come from.

An endpoint of transport `relay` is a number of this node's own; here is which relay and which circuit it means.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...wire.endpoint import Endpoint
from ...wire.identity import NodeId

KNOCKS_PAID = 2
"""Bytes of knocks for each that came through a circuit."""

CIRCUIT_ENDPOINTS_MAX = 65_535
"""An endpoint's number is a port."""


@dataclass(slots=True)
class Circuit:
    """A way through a relay, as one of its ends has it."""

    endpoint: Endpoint
    """What stands for it in this node."""
    relay: NodeId
    number: int
    target: NodeId | None
    """Who is at the other end, if this end opened it."""
    introduced: Endpoint | None = None
    """Where the relay sees the other end."""
    came_bytes: int = 0
    """What came through it."""
    knocked_bytes: int = 0
    """What went to where the other end is said to be, unasked."""

    def pays_for(self, size_bytes: int) -> bool:
        """Tell whether one more knock may go to where the other end is said to be, and count it.

        A relay may lie, so nobody is sent more than three times what came from it: one time for replies, two for
        knocks. Who opened the circuit knocks at his own initiative.
        """
        if self.target is None and self.knocked_bytes + size_bytes > KNOCKS_PAID * self.came_bytes:
            return False
        self.knocked_bytes += size_bytes
        return True


class Circuits:
    """Hold the circuits that this node opened or that led to it; the oldest goes when there are too many."""

    def __init__(self, circuits_max: int) -> None:
        self._circuits_max = min(circuits_max, CIRCUIT_ENDPOINTS_MAX)
        self._by_endpoint: dict[Endpoint, Circuit] = {}
        self._by_number: dict[tuple[NodeId, int], Circuit] = {}
        self._endpoints = 0
        self._opened = 0

    def __len__(self) -> int:
        return len(self._by_endpoint)

    def open(self, relay: NodeId, target: NodeId) -> Circuit:
        """Return the circuit to a node through a relay, a new one if there is none."""
        for circuit in self._by_endpoint.values():
            if circuit.relay == relay and circuit.target == target:
                return circuit
        self._opened += 1
        return self._add(relay, 2 * self._opened, target)

    def incoming(self, relay: NodeId, number: int, introduced: Endpoint | None = None) -> Circuit:
        """Return the circuit that somebody opened to this node, a new one when this is its first sign."""
        circuit = self._by_number.get((relay, number)) or self._add(relay, number, None)
        circuit.introduced = introduced or circuit.introduced
        return circuit

    def at(self, endpoint: Endpoint) -> Circuit | None:
        """Return the circuit that an endpoint stands for."""
        return self._by_endpoint.get(endpoint)

    def find(self, relay: NodeId, number: int) -> Circuit | None:
        """Return the circuit with a number at a relay."""
        return self._by_number.get((relay, number))

    def remove(self, circuit: Circuit) -> None:
        """Forget a circuit."""
        self._by_endpoint.pop(circuit.endpoint, None)
        self._by_number.pop((circuit.relay, circuit.number), None)

    def all(self) -> list[Circuit]:
        """Return the circuits, the oldest first."""
        return list(self._by_endpoint.values())

    def of_relay(self, relay: NodeId) -> list[Circuit]:
        """Return the circuits through a relay."""
        return [circuit for circuit in self._by_endpoint.values() if circuit.relay == relay]

    def to(self, target: NodeId) -> list[Circuit]:
        """Return the circuits that this node opened to another."""
        return [circuit for circuit in self._by_endpoint.values() if circuit.target == target]

    def _add(self, relay: NodeId, number: int, target: NodeId | None) -> Circuit:
        if len(self._by_endpoint) >= self._circuits_max:
            self.remove(next(iter(self._by_endpoint.values())))
        circuit = Circuit(self._new_endpoint(), relay, number, target)
        self._by_endpoint[circuit.endpoint] = self._by_number[relay, number] = circuit
        return circuit

    def _new_endpoint(self) -> Endpoint:
        """Return an endpoint that no circuit has; numbers come again after 65,535 circuits."""
        while True:
            self._endpoints = self._endpoints % CIRCUIT_ENDPOINTS_MAX + 1
            endpoint = Endpoint.of_circuit(self._endpoints)
            if endpoint not in self._by_endpoint:
                return endpoint
