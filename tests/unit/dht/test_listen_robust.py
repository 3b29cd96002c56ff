"""Listening where datagrams are lost, changes come in bursts, listeners are many, and nearer holders appear."""

from __future__ import annotations

import pytest

from mesh99.dht import DhtConfig
from mesh99.dht.listen import Change
from mesh99.dht.messages import Changed
from mesh99.dht.reading import decode
from mesh99.dht.store import Held
from mesh99.wire.errors import DecodeError
from mesh99.wire.identity import Identity
from mesh99.wire.record import Record, value_key

KEY = value_key("colour")


def record(identity: Identity, value: bytes = b"blue", sequence: int = 1) -> Record:
    return Record.create(identity, KEY, value, sequence=sequence, ttl_s=3600)


def listen(network, node):
    told: list[Change] = []
    handle = node.dht.listen(KEY, network.now, told.append)
    node.pump()
    network.run(5.0)
    return handle, told


def nearest(network, count: int = 4) -> set:
    return {
        node.node_id for node in sorted(network.nodes, key=lambda node: node.node_id.distance(KEY))[:count]
    }


def far_from_key(network):
    return max(network.nodes, key=lambda node: node.node_id.distance(KEY))


def watch_pushes(network, holder) -> list[list[bytes]]:
    """Return what each CHANGED of a holder will carry."""
    pushes: list[list[bytes]] = []

    def spy(source, to, payload) -> bool:
        try:
            message = decode(payload)[1]
        except DecodeError:
            return False
        if source is holder and isinstance(message, Changed):
            pushes.append([Record.decode(encoded).value for _, encoded in message.records])
        return False

    network.drop = spy
    return pushes


def change(network, holder, new: Record) -> None:
    """Let a holder have a new record, as a STORE would."""
    holder.dht.listeners.changed(Held(new, network.now, network.now + new.ttl_s, 0), network.now)


def one_holder(virtual_network, listeners: int, config: DhtConfig | None = None):
    """Return a holder, its listeners, and what each is told."""
    network = virtual_network(seed=3)
    holder, *others = network.add(1 + listeners, config)
    for node in others:
        node.dht.verified(holder.contact, network.now)
    told = [listen(network, node)[1] for node in others]
    assert holder.dht.listeners.of_key(KEY) == listeners
    return network, holder, others, told


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("loss", "within_s"), [(0.1, 10.0), (0.25, 300.0)])
def test_loss_delays_changes_and_loses_and_doubles_none(
    virtual_network, seed: int, loss: float, within_s: float
) -> None:
    """At the latest with the next refresh, where so much is lost that all holders gave the listener up."""
    network = virtual_network(seed=seed)
    network.join(40)
    network.run(3.0)
    network.loss = loss
    _, told = listen(network, far_from_key(network))
    writers = [node for node in network.nodes if node is not far_from_key(network)][:5]
    for sequence in (1, 2, 3):
        for writer in writers:
            network.put(writer, record(writer.identity, b"v%d" % sequence, sequence))
        network.run(10.0)
    network.run(within_s)
    seen = [(change.record.owner, change.record.sequence) for change in told]
    assert len(set(seen)) == len(seen)
    for writer in writers:
        heard = [sequence for owner, sequence in seen if owner == writer.identity.public_key]
        assert heard == sorted(heard)
        assert heard[-1] == 3


def test_what_comes_while_a_push_is_in_flight_goes_together_in_the_next(virtual_network) -> None:
    network, holder, _, (told,) = one_holder(virtual_network, 1)
    pushes = watch_pushes(network, holder)
    owners = [Identity(bytes([number + 1]) * 32) for number in range(4)]
    news = [(0, b"first", 1), (1, b"a", 1), (2, b"old", 1), (2, b"new", 2), (3, b"c", 1)]
    for owner, value, sequence in news:
        change(network, holder, record(owners[owner], value, sequence))
    holder.pump()
    network.run(1.0)
    assert pushes == [[b"first"], [b"a", b"new", b"c"]]
    assert [told_of.record.value for told_of in told] == [b"first", b"a", b"new", b"c"]


def test_more_than_one_datagram_holds_goes_in_several(virtual_network) -> None:
    network, holder, _, (told,) = one_holder(virtual_network, 1)
    pushes = watch_pushes(network, holder)
    values = [bytes([65 + number]) * 300 for number in range(8)]
    for number, value in enumerate(values):
        owner = Identity(bytes([number + 1]) * 32)
        change(network, holder, record(owner, value))
    holder.pump()
    network.run(1.0)
    assert [len(push) for push in pushes] == [1, 2, 2, 2, 1]
    assert [told_of.record.value for told_of in told] == values


def test_pushes_are_paced_and_one_that_is_dead_holds_nobody_back(virtual_network) -> None:
    config = DhtConfig(pushes_max=2)
    network, holder, listeners, told = one_holder(virtual_network, 9, config)
    listeners[0].alive = False
    in_flight: list[int] = []

    def spy(source, to, payload) -> bool:
        in_flight.append(holder.dht.listeners.amounts()[2])
        return False

    network.drop = spy
    writer = Identity(b"\1" * 32)
    change(network, holder, record(writer))
    holder.pump()
    network.run(0.1)
    assert max(in_flight) == 2
    assert [len(changes) for changes in told] == [0] + [1] * 8
    for sequence in (2, 3, 4):
        change(network, holder, record(writer, b"v%d" % sequence, sequence))
    holder.pump()
    network.run(10.0)
    assert max(in_flight) == 2
    assert {changes[-1].record.sequence for changes in told[1:]} == {4}
    assert holder.dht.listeners.amounts() == (8, 1, 0), "the dead one is forgotten, nothing hangs"


def test_a_refresh_moves_to_newcomers_that_are_nearer(virtual_network) -> None:
    network = virtual_network(seed=11)
    network.join(20)
    network.run(3.0)
    listener, writer = far_from_key(network), network.nodes[5]
    handle, told = listen(network, listener)
    before = nearest(network)
    assert set(handle.holders) == before
    network.join(60)
    after = nearest(network)
    assert len(after - before) == 3
    network.run(600.0)
    assert set(handle.holders) == after
    network.put(writer, record(writer.identity))
    network.run(1.0)
    assert [told_of.record.value for told_of in told] == [b"blue"]
