"""Asking one more where nobody answers."""

from __future__ import annotations

from mesh99.wire.record import Record, value_key

KEY = value_key("colour")


def test_one_more_is_asked_for_a_silence_but_not_by_a_node_that_is_late_itself(virtual_network) -> None:
    network = virtual_network(seed=11)
    network.join(30)
    network.run(3.0)
    author, reader = network.nodes[3], network.nodes[20]
    network.put(author, Record.create(author.identity, KEY, b"blue", sequence=1, ttl_s=3600))
    network.run(1.0)
    reader.dht.store.expire(float("inf"))
    reader.dht.get(KEY, network.now, lambda result: None)
    assert len(reader.dht.take_requests()) == 1
    began, hedges = network.now, reader.dht.statistics().hedges
    reader.dht.handle_timeout(began + 0.009)
    assert not reader.dht.take_requests(), "2 ms are over, four times, and nobody had a look at the socket"
    reader.dht.handle_timeout(began + 0.012)
    assert len(reader.dht.take_requests()) == 1
    assert reader.dht.statistics().hedges == hedges + 1
