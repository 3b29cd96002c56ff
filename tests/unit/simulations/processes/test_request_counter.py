"""Requests are counted by kind as they leave, and leave unchanged."""

from __future__ import annotations

from random import Random

from mesh99.node.overlay.config import OverlayConfig
from mesh99.node.overlay.overlay import Overlay
from mesh99.simulations.processes.request_counter import RequestCounter
from mesh99.wire.contact import Contact
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.identity import Identity


def _identity(seed: int) -> Identity:
    return Identity.generate(Random(seed).randbytes)


def test_requests_are_counted_and_sent() -> None:
    entropy = Random(1).randbytes
    overlay = Overlay(_identity(1), OverlayConfig(), random=Random(1), entropy=entropy, now=0.0)
    peer = Contact(_identity(2).public_key, Endpoint("udp", "127.0.0.1", 7400))
    overlay.dht.verified(peer, 0.0)
    counter = RequestCounter()
    counter.watch(overlay)
    overlay.dht.find_node(bytes(32), 0.0, lambda result: None)
    assert [destination for _, destination in overlay.take_packets(0.0)] == [peer.endpoint]
    assert counter.counts == {"FindNode": 1}
    assert overlay.take_packets(0.0) == []
    assert counter.counts == {"FindNode": 1}
