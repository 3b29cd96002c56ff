"""Asking one more where nobody answers."""

from __future__ import annotations

from itertools import pairwise

from mesh99.wire.record import value_key

KEY = value_key("colour")


def test_one_more_is_asked_for_a_silence_but_not_by_a_node_that_is_late_itself(reader) -> None:
    network, asker = reader(KEY)
    asker.dht.get(KEY, network.now, lambda result: None)
    assert len(asker.dht.take_requests()) == 1
    began, hedges = network.now, asker.dht.statistics().hedges
    asker.dht.handle_timeout(began + 0.009)
    assert not asker.dht.take_requests(), "2 ms are over, four times, and nobody had a look at the socket"
    asker.dht.handle_timeout(began + 0.012)
    assert len(asker.dht.take_requests()) == 1
    assert asker.dht.statistics().hedges == hedges + 1


def test_the_next_asked_alone_may_be_silent_no_longer_than_the_one_before(reader) -> None:
    network, asker = reader(KEY)
    asker.dht.get(KEY, network.now, lambda result: None)
    began = network.now
    asked_at, now = [], began
    while len(asked_at) < 4:
        if asker.dht.take_requests():
            asked_at.append(now - began)
        assert now < began + 0.1
        now += 0.0002
        asker.dht.handle_timeout(now)
    waits_s = [later - earlier for earlier, later in pairwise(asked_at)]
    assert max(waits_s) <= min(waits_s) + 0.0005
