"""Lines that serve the DHT only: three packets for a question, and gone without a word."""

from __future__ import annotations

import pytest
from overlay_world import Call, World

from mesh99.dht import DhtConfig, PutResult
from mesh99.dht.search import LookupResult
from mesh99.node.overlay.config import OverlayConfig
from mesh99.node.overlay.overlay import Overlay
from mesh99.wire.packet import INITIAL, REPLY, RESET
from mesh99.wire.record import Record

UNGREETED = DhtConfig(greeted_max=0)


def asked(world: World, a: Overlay, b: Overlay) -> LookupResult:
    """Let `a` find nodes, of which it knows `b` only."""
    results: list[LookupResult] = []
    a.dht.find_node(bytes(32), world.now, results.append)
    world.run(lambda: results)
    return results[0]


def acquainted(world: World, config: OverlayConfig | None = None) -> tuple[Overlay, Overlay]:
    a, b = world.add(1, config), world.add(2, config)
    a.dht.verified(world.contact_of(b), world.now)
    return a, b


def kinds(world: World) -> list[int]:
    return [packet[0] for _, _, packet in world.carried]


def test_a_question_costs_three_packets_and_makes_both_known_to_each_other() -> None:
    world = World()
    a, b = acquainted(world)
    assert len(asked(world, a, b).contacts) == 1
    world.run_for(1.0)
    assert kinds(world)[:2] == [INITIAL, REPLY]
    assert len(world.carried) == 3
    assert a.identity.node_id in b.dht.table


def test_the_round_trip_of_the_handshake_is_measured() -> None:
    world = World(delay_s=0.05)
    a, b = acquainted(world)
    asked(world, a, b)
    line = a.lines.find(b.identity.node_id)
    assert line is not None
    assert line.session.rtt_s == pytest.approx(0.1)


def test_a_quiet_line_ends_without_a_word_on_both_sides() -> None:
    world = World()
    a, b = acquainted(world, OverlayConfig(quiet_idle_s=10.0, dht=UNGREETED))
    asked(world, a, b)
    world.run_for(1.0)
    assert (len(a.lines), len(b.lines)) == (1, 1)
    carried = len(world.carried)
    world.run_for(2 * a.config.quiet_idle_s)
    assert (len(a.lines), len(b.lines)) == (0, 0)
    assert len(world.carried) == carried
    assert b.identity.node_id in a.dht.table


def test_a_lost_proof_costs_no_question() -> None:
    world = World()
    a, b = acquainted(world, OverlayConfig(dht=UNGREETED))
    world.rule = lambda packet, source, destination: None if packet[0] >= 0xC0 else packet
    asked(world, a, b)
    world.run_for(b.config.half_open_s + 1.0)
    assert (len(a.lines), len(b.lines)) == (1, 0), "the proof that the caller is there was lost"
    world.rule = lambda packet, source, destination: packet
    world.carried.clear()
    began = world.now
    assert len(asked(world, a, b).contacts) == 1
    assert world.now - began == pytest.approx(4 * world.delay_s, abs=0.001), "told at once, and asked anew"
    assert RESET in kinds(world)
    world.run_for(1.0)
    assert a.dht.table.find(b.identity.node_id).failures == 0


def test_a_question_that_got_lost_goes_again_when_the_dht_says_so() -> None:
    world = World()
    a, b = acquainted(world)
    lost = iter([True, True, False])
    world.rule = lambda packet, source, destination: (
        None if packet[0] == INITIAL and next(lost, False) else packet
    )
    assert len(asked(world, a, b).contacts) == 1
    assert kinds(world).count(INITIAL) == 3


ONCE = OverlayConfig.large()


def test_a_stranger_who_asks_once_is_met_and_leaves_no_session() -> None:
    world = World()
    a, b = acquainted(world, ONCE)
    assert len(asked(world, a, b).contacts) == 1
    world.run_for(1.0)
    assert [kind & 0xC0 for kind in kinds(world)] == [0x80, 0x80, 0xC0], "question, answer, proof"
    assert (len(a.lines), len(b.lines)) == (0, 0)
    assert a.identity.node_id in b.dht.table
    assert len(b._handshakes.half_open) == 0


def test_a_question_of_somebody_known_costs_two_packets() -> None:
    world = World()
    a, b = acquainted(world, ONCE)
    asked(world, a, b)
    world.run_for(1.0)
    world.carried.clear()
    asked(world, a, b)
    world.run_for(1.0)
    assert kinds(world) == [INITIAL, REPLY]
    assert len(b._handshakes.half_open) == 0


@pytest.mark.parametrize("known", [False, True])
def test_who_wants_a_session_meanwhile_gets_one(known: bool) -> None:
    world = World()
    a, b = acquainted(world, ONCE)
    if known:
        b.dht.verified(world.contact_of(a), world.now)
    call, results = Call(), []
    a.dht.find_node(bytes(32), world.now, results.append)
    a.take_packets(world.now)
    a.connect(world.contact_of(b), world.now, call)
    a.dht._rpc.send_again(b.identity.node_id)
    world.run(lambda: call.over and results and len(b.lines) == 1)
    assert call.error is None
    received: list[bytes] = []
    b.on_message = lambda line, message: received.append(bytes(message))
    a.send_message(call.line, b"hello", world.now)
    world.run(lambda: received == [b"hello"])


def test_a_record_is_stored_although_questions_leave_no_session() -> None:
    world = World()
    a, b = acquainted(world, ONCE)
    stored: list[PutResult] = []
    record = Record.create(a.identity, bytes(32), b"value", sequence=1, ttl_s=600)
    a.dht.put(record, world.now, stored.append)
    world.run(lambda: b.dht.store.get(bytes(32), world.now))
    world.run_for(15.0)
    assert stored


def test_a_forged_proof_proves_nothing() -> None:
    world = World()
    a, b = acquainted(world, ONCE)
    world.rule = lambda packet, source, destination: (
        packet[:-1] + bytes((packet[-1] ^ 1,)) if packet[0] >= 0xC0 else packet
    )
    asked(world, a, b)
    world.run_for(1.0)
    assert a.identity.node_id not in b.dht.table
    assert b.dropped["data for no session"] == 1
