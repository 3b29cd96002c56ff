from __future__ import annotations

from staged import QUIET, small

from mesh99.simulations.faults.stalled_overlay import SOCKET_BYTES, StalledOverlay, resume, stall
from mesh99.simulations.heap.simulation import HeapRun
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.identity import Identity

SOMEBODY = Endpoint("udp", "10.0.0.9", 7400)


def test_the_socket_holds_what_it_holds() -> None:
    stalled = StalledOverlay(Identity(bytes(32)))
    packet = bytes(1000)
    for _ in range(SOCKET_BYTES // 1000 + 5):
        stalled.receive(packet, SOMEBODY, 1.0)
    assert stalled.lost == 5
    assert len(stalled.take_waiting()) == SOCKET_BYTES // 1000
    assert stalled.take_waiting() == []
    assert not stalled.has_output


def test_a_host_without_time_sends_nothing_and_then_answers() -> None:
    run = HeapRun(small(nodes=4, workload=QUIET), 1)
    run.world.run_until(run.measured_from_s)
    slow, asking = run.population.honest_live[:2]
    stalled = stall(slow)
    sent = run.network.bytes_sent[slow.index]
    answers: list[object] = []
    asking.overlay.dht.find_node(slow.identity.node_id, asking.clock.now(), answers.append)
    asking.pump.kick()
    run.world.run_until(run.world.now() + 1.9)
    assert run.network.bytes_sent[slow.index] == sent
    assert len(stalled.take_waiting()) > 0
    resume(slow, stalled)
    run.world.run_until(run.world.now() + 10.0)
    assert run.network.bytes_sent[slow.index] > sent
    assert answers
