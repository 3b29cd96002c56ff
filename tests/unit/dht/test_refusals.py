"""Puts that are refused, and what the one who puts is told."""

from __future__ import annotations

from collections import Counter

import pytest

from mesh99.dht import DhtConfig, Outcome
from mesh99.wire.record import Record, value_key

KEY = value_key("colour")


def record(node, key: bytes = KEY) -> Record:
    return Record.create(node.identity, key, b"blue", sequence=1, ttl_s=3600)


def test_a_put_is_told_that_its_network_has_its_part(virtual_network) -> None:
    network = virtual_network(seed=12)
    network.host_of = lambda index: f"8.8.{index}.1"
    network.join(6, DhtConfig(records_per_subnet_max=1))
    network.run(3.0)
    author, other = network.nodes[:2]
    assert len(network.put(author, record(author)).stored_on) >= 5
    network.run(1.0)
    key = bytes(number ^ 255 for number in KEY)
    result = network.put(author, record(author, key=key))
    assert result.stored_on == [author.node_id], "what a node keeps for itself counts to no network"
    assert result.refused == ((Outcome.SUBNET_QUOTA, 5),)
    assert {hop.remark for hop in result.hops} == {"refused: subnet quota"}
    assert [node.dht.dropped["record refused: subnet quota"] for node in network.nodes] == [0, 1, 1, 1, 1, 1]
    assert len(network.put(other, record(other, key=key)).stored_on) >= 5, "another network has its own part"


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ("records_per_owner_max", Outcome.OWNER_QUOTA),
        ("records_per_key_max", Outcome.KEY_FULL),
        ("records_max", Outcome.STORE_FULL),
    ],
)
def test_a_put_that_nobody_takes_names_the_reasons(virtual_network, limit: str, reason: Outcome) -> None:
    network = virtual_network(seed=12)
    network.join(6, DhtConfig(**{limit: 1}))
    network.run(3.0)
    first, second = network.nodes[:2]
    network.put(first, record(first))
    network.run(1.0)
    of_another = limit == "records_per_key_max"
    key = KEY if of_another else bytes(number ^ 255 for number in KEY)
    author = second if of_another else first
    result = network.put(author, record(author, key=key))
    if reason is Outcome.STORE_FULL:
        nearer = [node for node in network.nodes if node.node_id.distance(key) < node.node_id.distance(KEY)]
        assert 0 < len(nearer) < 6
        assert len(result.stored_on) == len(nearer)
    else:
        nearer = []
        assert result.stored_on == []
    assert result.refused == ((reason, 6 - len(nearer)),)
    said = Counter(hop.remark for hop in result.hops if hop.remark != "stored")
    own = author not in nearer
    assert said == {f"refused: {reason.reason}": 6 - len(nearer) - own}
