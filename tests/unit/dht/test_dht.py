from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from mesh99.dht import Dht, DhtConfig
from mesh99.dht.messages import Nodes, Ping, Pong, encode_reply, encode_request
from mesh99.dht.reading import decode
from mesh99.wire.identity import Identity

JOIN = """
import sys
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location("conftest", sys.argv[1])
module = module_from_spec(spec)
spec.loader.exec_module(module)
network = module.VirtualNetwork(seed=8, loss=0.02)
network.join(15)
network.run(700.0)
print(network.digest)
"""


@pytest.fixture
def dht() -> Dht:
    return Dht(Identity(bytes(32)), DhtConfig(), Random(1), 0.0)


def test_nonsense_is_counted_and_dropped(dht: Dht, make_contact) -> None:
    peer = make_contact(1)
    assert dht.receive(b"", peer, 0.0) is None
    assert dht.receive(b"\xff" * 100, peer, 0.0) is None
    assert dht.receive(encode_reply(1, Pong()), peer, 0.0) is None
    assert dht.receive(encode_reply(1, Nodes(bytes(8), [])), peer, 0.0) is None
    assert dht.dropped == Counter({"malformed": 2, "unexpected": 2})


def test_a_reply_to_our_request_is_an_authenticated_round_trip(dht: Dht, make_contact) -> None:
    peer, other = make_contact(1), make_contact(2)
    dht.verified(peer, 0.0)
    dht.find_node(bytes(32), 0.0, lambda result: None)
    assert dht.has_requests
    (request,) = dht.take_requests()
    assert not dht.has_requests
    request_id, _ = decode(request.payload)
    reply = encode_reply(request_id, Nodes(bytes(8), []))
    assert dht.table.failed(peer.node_id) or dht.table.failed(peer.node_id)
    dht.receive(reply, other, 0.1)
    assert len(dht.table) == 0, "it came from somebody else"
    dht.receive(reply, peer, 0.1)
    assert peer.node_id in dht.table


def test_contacts_only_named_are_asked_but_not_believed(virtual_network) -> None:
    network = virtual_network(seed=41)
    asker, teller, named = network.add(3)
    asker.dht.verified(teller.contact, 0.0)
    teller.dht.verified(named.contact, 0.0)
    named.alive = False
    result = network.find_node(asker, bytes(32))
    assert [hop.outcome for hop in result.hops] == ["answered", "failed"]
    assert named.node_id not in asker.dht.table


def test_bootstrap_without_contacts_tells_at_once(dht: Dht) -> None:
    results: list = []
    dht.bootstrap(0.0, results.append)
    (result,) = results
    assert result.contacts == []


def test_bootstrap_fills_the_far_buckets_too(virtual_network) -> None:
    network = virtual_network(seed=42)
    network.join(120, DhtConfig(greeted_max=0))
    network.run(3.0)
    for node in network.nodes[-10:]:
        far = [
            len(bucket.entries) for prefix_bits, bucket in node.dht.table.buckets.items() if prefix_bits < 2
        ]
        assert min(far) >= DhtConfig().refresh_count


def test_saved_contacts_are_the_longest_known_and_bring_a_node_back(virtual_network) -> None:
    network = virtual_network(seed=43)
    network.join(30)
    network.run(3.0)
    saved = network.nodes[5].dht.contacts(3)
    assert len(saved) == 3
    (back,) = network.add(1)
    for contact in saved:
        back.dht.verified(contact, network.now)
    results: list = []
    back.dht.bootstrap(network.now, results.append)
    network.run_until(lambda: bool(results))
    assert len(results[0].contacts) == DhtConfig().join_count


def test_ping_is_answered_within_any_sane_room(dht: Dht, make_contact) -> None:
    assert dht.receive(encode_request(9, Ping()), make_contact(1), 0.0, 20) == encode_reply(9, Pong())


def test_a_new_node_needs_no_timer(dht: Dht) -> None:
    assert dht.next_timeout() is None


def test_two_processes_with_different_hash_seeds_send_the_same_datagrams() -> None:
    conftest = str(Path(__file__).with_name("conftest.py"))
    digests = [
        subprocess.run(
            [sys.executable, "-c", JOIN, conftest],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert digests[0] == digests[1] != ""
