"""A search that is over is gone at once: nothing that it holds holds it, and the collector has nothing to do."""

from __future__ import annotations

import gc

from mesh99.dht.search import Search
from mesh99.wire.record import Record, value_key

KEY = value_key("colour")


def _searches() -> int:
    return sum(isinstance(each, Search) for each in gc.get_objects())


def test_puts_and_gets_leave_nothing_to_the_collector(virtual_network) -> None:
    network = virtual_network(seed=7)
    network.join(30)
    network.run(10.0)
    writer, reader = network.nodes[3], network.nodes[9]
    gc.collect()
    before = _searches()
    gc.disable()
    try:
        network.put(writer, Record.create(writer.identity, KEY, b"blue", sequence=1, ttl_s=3600))
        assert network.get(reader, KEY).records
        network.run(30.0)
        assert _searches() == before
    finally:
        gc.enable()
