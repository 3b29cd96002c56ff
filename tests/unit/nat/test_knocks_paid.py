"""Who was called through a relay knocks for no more than what came from there."""

from __future__ import annotations

from mesh99.nat.relay.circuits import KNOCKS_PAID, Circuits
from mesh99.wire.identity import Identity

RELAY, TARGET = (Identity(bytes([number]) * 32).node_id for number in (1, 2))


def test_the_called_side_knocks_for_what_came() -> None:
    circuit = Circuits(8).incoming(RELAY, 3)
    assert not circuit.pays_for(51), "nothing has come"
    circuit.came_bytes = 102
    knocks = 0
    while circuit.pays_for(51):
        knocks += 1
    assert knocks == 2 * KNOCKS_PAID
    circuit.came_bytes += 51
    assert circuit.pays_for(51)


def test_the_calling_side_knocks_of_its_own_accord() -> None:
    circuit = Circuits(8).open(RELAY, TARGET)
    assert all(circuit.pays_for(51) for _ in range(100))
