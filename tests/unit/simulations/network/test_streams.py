"""TCP: opening, order, bandwidth, repairs, closing, breaking, boxes."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from network_world import NetworkWorld, Peer, endpoint

from mesh99.simulations.network.nat_box import NatBox, NatBoxConfig, PortPolicy
from mesh99.simulations.network.stream_end import StreamConfig
from mesh99.wire.endpoint import Endpoint


def pair(**options: Any) -> tuple[NetworkWorld, Peer, Peer, Endpoint]:
    """Return a world with a connection from the first host to the second."""
    hosts = NetworkWorld(**options)
    a, b = hosts.peers(2)
    name = a.open(b)
    hosts.run(1.0)
    assert a.opened == [name]
    return hosts, a, b, name


def back_of(b: Peer, a: Peer, hosts: NetworkWorld, name: Endpoint) -> Endpoint:
    """Return what the called side calls a connection: it learns it with the first packet."""
    a.send(b"hello", name)
    hosts.run(1.0)
    return b.received[-1][2]


def test_opening_takes_a_round_trip() -> None:
    hosts = NetworkWorld()
    a, b = hosts.peers(2)
    name = a.open(b)
    hosts.run(0.0999)
    assert a.opened == []
    hosts.run(0.001)
    assert (a.opened, a.closed, b.opened) == ([name], [], [])
    a.open(b)
    hosts.run(0.001)
    assert a.opened == [name, name], "one that is open already is told at once"


def test_packets_come_in_order_both_ways_under_names_of_the_remote_side() -> None:
    hosts, a, b, name = pair(latency={"jitter": 0.9}, links={"loss": 0.05})
    sent = [bytes([n]) * (1 + n * 900) for n in range(50)]
    for packet in sent:
        a.send(packet, name)
    hosts.run(10.0)
    assert b.packets == sent
    [back] = dict.fromkeys(source for _, _, source in b.received)
    assert (back.transport, back.host) == ("tcp", a.endpoint.host)
    b.send(b"answer", back)
    hosts.run(1.0)
    assert [(packet, source) for _, packet, source in a.received] == [(b"answer", name)]


def test_what_is_sent_while_it_opens_is_kept_within_limits() -> None:
    hosts = NetworkWorld()
    a, b = hosts.peers(2)
    name = a.open(b)
    for number in range(20):
        a.send(bytes([number]), name)
    hosts.run(1.0)
    assert b.packets == [bytes([number]) for number in range(16)]
    assert hosts.network.lost == {"no stream": 4}


def test_a_lost_segment_holds_up_what_is_behind_it() -> None:
    hosts, a, b, name = pair()
    losses = iter([True] + [False] * 100)
    hosts.network._medium.loses = lambda sender: "loss" if next(losses) else None  # type: ignore[method-assign]
    began = hosts.world.now()
    for packet in (b"first", b"second"):
        a.send(packet, name)
    hosts.run(1.0)
    times = [time - began for time, _, _ in b.received]
    assert b.packets == [b"first", b"second"]
    assert times == pytest.approx([0.15, 0.15]), "one way, and the round trip of the repair"


def test_the_window_limits_what_is_under_way() -> None:
    hosts, a, b, name = pair(streams=StreamConfig(window_bytes=100_000))
    began = hosts.world.now()
    for _ in range(20):
        a.send(bytes(50_000), name)
    hosts.run(5.0)
    # Two packets a round trip of 0.1 s.
    assert b.received[-1][0] - began == pytest.approx(0.05 + 9 * 0.1)


def test_bandwidth_is_kept_and_left_to_datagrams() -> None:
    hosts, a, b, name = pair(links={"uplink": 100_000.0, "queue": 20_000})
    began = hosts.world.now()
    for _ in range(20):
        a.send(bytes(10_000), name)
    hosts.run(0.5)
    a.send(b"datagram", b)
    hosts.run(5.0)
    streamed = [(time, len(packet)) for time, packet, source in b.received if source.transport == "tcp"]
    assert sum(size for _, size in streamed) == 200_000
    assert streamed[-1][0] - began == pytest.approx(2.1, abs=0.05)
    [datagram_s] = [time for time, packet, _ in b.received if packet == b"datagram"]
    assert datagram_s - began < 0.5 + 0.05 + 0.25


def test_nobody_listens_or_nothing_answers() -> None:
    hosts = NetworkWorld()
    a, dead, gone = hosts.peers(3)
    hosts.network.detach(dead.endpoint)
    hosts.network.detach(gone.endpoint, silently=True)
    refused, silent, unknown = a.open(dead), a.open(gone), endpoint(9, "tcp")
    hosts.network.open_stream(1, a.endpoint, unknown)
    hosts.run(0.11)
    assert a.closed == [refused]
    hosts.run(2.8)
    assert a.closed == [refused]
    hosts.run(0.1)
    assert a.closed == [refused, silent, unknown]
    assert a.opened == []


def test_a_syn_that_is_lost_is_repeated() -> None:
    hosts = NetworkWorld()
    a, b = hosts.peers(2)
    cut = hosts.network.partitions.begin("symmetric", [2])
    name = a.open(b)
    hosts.run(0.5)
    hosts.network.partitions.end(cut)
    hosts.run(0.59)
    assert a.opened == []
    hosts.run(0.02)
    assert a.opened == [name]


@pytest.mark.parametrize("closer", ["caller", "called"])
def test_closing_delivers_what_was_queued_and_tells_both(closer: str) -> None:
    hosts, a, b, name = pair(streams=StreamConfig(window_bytes=10_000))
    back = back_of(b, a, hosts, name)
    here, there, mine, theirs = (a, b, name, back) if closer == "caller" else (b, a, back, name)
    there.received.clear()
    for _ in range(10):
        here.send(bytes(5000), mine)
    here.close(mine)
    here.send(b"too late", mine)
    hosts.run(0.01)
    assert (here.closed, there.closed) == ([mine], [])
    hosts.run(5.0)
    assert there.packets == [bytes(5000)] * 10
    assert (here.closed, there.closed) == ([mine], [theirs])
    assert hosts.network.lost == {"no stream": 1}


def test_closing_what_does_not_exist_is_nothing() -> None:
    hosts = NetworkWorld()
    [a] = hosts.peers(1)
    a.close(endpoint(9, "tcp"))
    hosts.run(1.0)
    assert a.closed == []


def test_a_process_that_dies_resets_its_connections() -> None:
    hosts, a, b, name = pair()
    a.send(b"never read", name)
    hosts.network.detach(b.endpoint)
    hosts.run(0.06)
    assert (a.closed, b.received) == ([name], [])
    b.attach()
    assert a.open(b) == name
    hosts.run(1.0)
    a.send(b"again", name)
    hosts.run(1.0)
    assert b.packets == [b"again"]


def test_a_machine_that_vanishes_is_noticed_when_something_is_sent() -> None:
    hosts, a, b, name = pair()
    hosts.network.detach(b.endpoint, silently=True)
    hosts.run(1000.0)
    assert a.closed == []
    a.send(b"anybody there?", name)
    hosts.run(99.0)
    assert a.closed == []
    hosts.run(2.0)
    assert a.closed == [name]


def test_a_machine_that_came_back_resets_what_it_does_not_know() -> None:
    hosts, a, b, name = pair()
    hosts.network.detach(b.endpoint, silently=True)
    b.attach()
    a.send(b"old connection", name)
    hosts.run(0.11)
    assert (a.closed, b.received) == ([name], [])


@pytest.mark.parametrize("kind", ["symmetric", "one-way", "clog"])
def test_a_short_cut_delays_and_a_long_one_breaks(kind: Any) -> None:
    hosts, a, b, name = pair()
    cut = hosts.network.partitions.begin(kind, [1])
    a.send(b"first", name)
    a.send(b"second", name)
    hosts.run(10.0)
    assert b.received == []
    hosts.network.partitions.end(cut)
    hosts.run(13.0)
    assert b.packets == [b"first", b"second"]
    hosts.network.partitions.begin(kind, [1])
    a.send(b"third", name)
    hosts.run(99.0)
    assert a.closed == []
    hosts.run(2.0)
    assert (a.closed, b.packets) == ([name], [b"first", b"second"])


def test_what_cannot_be_acknowledged_arrives_and_breaks_in_the_end() -> None:
    hosts, a, b, name = pair()
    hosts.network.partitions.begin("one-way", [2])
    a.send(b"arrives", name)
    hosts.run(0.06)
    assert b.packets == [b"arrives"]
    hosts.run(200.0)
    assert a.closed == [name]


def test_connections_over_the_limit_and_strangers_are_closed() -> None:
    hosts = NetworkWorld(streams=StreamConfig(streams_max=2))
    peers = hosts.peers(4)
    server = peers[0]
    known: list[Endpoint] = []
    server.attach(known.__contains__)
    names = [peer.open(server) for peer in peers[1:]]
    hosts.run(1.0)
    assert [len(peer.opened) for peer in peers[1:]] == [1, 1, 0]
    assert [len(peer.closed) for peer in peers[1:]] == [0, 0, 1]
    peers[1].send(b"I am known", names[0])
    hosts.run(1.0)
    known.append(server.received[0][2])
    hosts.run(5.0)
    assert [len(peer.closed) for peer in peers[1:]] == [0, 1, 1]
    assert hosts.network.opening.refused == 2


def test_too_much_waiting_closes_a_connection() -> None:
    hosts, a, _, name = pair(streams=StreamConfig(window_bytes=1000, queue_bytes_max=10_000))
    for _ in range(20):
        a.send(bytes(1000), name)
    hosts.run(0.0)
    assert a.closed == [name]


# boxes


def home(number: int, **config: Any) -> NatBox:
    return NatBox(NatBoxConfig(**config), f"11.0.0.{number}", Random(number))


def test_a_box_lets_connections_out_and_none_in() -> None:
    hosts = NetworkWorld()
    hosts.network.place_behind(1, home(1, udp_blocked=True))
    a, b = hosts.peers(2)
    name = a.open(b)
    hosts.run(1.0)
    back = back_of(b, a, hosts, name)
    assert back.host == "11.0.0.1"
    b.send(b"answer", back)
    for wanted in (a.endpoint, Endpoint("tcp", "11.0.0.1", 7400)):
        hosts.network.open_stream(2, b.endpoint, wanted._replace(transport="tcp"))
    hosts.run(5.0)
    assert a.packets == [b"answer"]
    assert len(b.closed) == 2


def test_a_rebooted_box_breaks_its_connections() -> None:
    hosts = NetworkWorld()
    box = home(1, ports=PortPolicy.SEQUENTIAL)
    hosts.network.place_behind(1, box)
    a, b = hosts.peers(2)
    name = a.open(b)
    hosts.run(1.0)
    back = back_of(b, a, hosts, name)
    box.reboot()
    b.send(b"to a mapping that is no more", back)
    a.send(b"from another port", name)
    hosts.run(101.0)
    assert (a.closed, b.closed) == ([name], [back])
    assert a.received == []
