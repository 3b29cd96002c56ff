"""The simulated network: arrivals, losses, counting, taps, digests, and going on after pickling."""

from __future__ import annotations

import cloudpickle
import pytest
from network_world import NetworkWorld, Peer, endpoint

from mesh99.simulations.network.attachment import NOBODY
from mesh99.simulations.network.network import HEADER_BYTES
from mesh99.wire.endpoint import Endpoint

SPREAD = {"model": "planetlab", "jitter": 0.3}


def chat(hosts: NetworkWorld, peers: list[Peer], rounds: int = 60) -> tuple[str, str]:
    """Let everybody send to everybody; return both digests, which cover what answers."""
    for number in range(rounds):
        for peer in peers:
            peer.send(bytes([number]) * (20 + number), peers[(peer.index + number) % len(peers)])
        hosts.run(0.05)
    return hosts.network.digest(), hosts.network.events_digest()


def arrivals(peers: list[Peer]) -> list[list[tuple[float, bytes, Endpoint]]]:
    return [peer.received for peer in peers]


def test_a_packet_arrives_after_the_delay_of_the_pair() -> None:
    hosts = NetworkWorld(latency={"model": "planetlab"})
    a, b = hosts.peers(2)
    a.send(b"hello", b)
    hosts.run(1.0)
    delay_s = hosts.network.delay_s(1, 2)
    assert b.received == [(pytest.approx(delay_s, abs=1e-8), b"hello", a.endpoint)]
    assert (hosts.network.packets, hosts.network.bytes, hosts.network.lost) == (1, 5 + HEADER_BYTES, {})


def test_jitter_spreads_arrivals_within_its_share() -> None:
    hosts = NetworkWorld(latency={"jitter": 0.5})
    a, b = hosts.peers(2)
    for _ in range(50):
        a.send(b"x", b)
    hosts.run(1.0)
    times = [time for time, _, _ in b.received]
    assert 0.05 <= min(times) < 0.055 < 0.07 < max(times) <= 0.075


def test_the_set_share_of_packets_is_lost() -> None:
    hosts = NetworkWorld(links={"loss": 0.25})
    a, b = hosts.peers(2)
    for _ in range(2000):
        a.send(b"x", b)
    hosts.run(1.0)
    assert len(b.received) + hosts.network.lost["loss"] == 2000
    assert hosts.network.lost["loss"] == pytest.approx(500, rel=0.15)


@pytest.mark.parametrize("links", [{}, {"uplink": 1e9}], ids=["short way", "long way"])
def test_why_packets_are_lost(links: dict[str, float]) -> None:
    hosts = NetworkWorld(links={"mtu": 1300, **links})
    a, b, gone = hosts.peers(3)
    hosts.network.detach(gone.endpoint)
    a.send(bytes(1300 - HEADER_BYTES), b)
    a.send(bytes(1301 - HEADER_BYTES), b)
    a.send(b"x", gone)
    a.send(b"x", endpoint(9))
    a.send(b"x", b.endpoint._replace(port=1))
    a.send(b"x", b.endpoint._replace(transport="tcp"))
    hosts.run(1.0)
    assert len(b.received) == 1
    assert hosts.network.lost == {"mtu": 1, "nobody": 3, "no stream": 1}


def test_what_is_under_way_finds_a_host_that_came_back() -> None:
    hosts = NetworkWorld()
    a, b = hosts.peers(2)
    a.send(b"one", b)
    hosts.network.detach(b.endpoint)
    hosts.run(0.1)
    b.attach()
    a.send(b"two", b)
    hosts.network.detach(b.endpoint)
    b.attach()
    hosts.run(0.1)
    assert b.packets == [b"two"]
    assert hosts.network.lost == {"nobody": 1}


def test_bandwidth_and_queues_delay_and_drop() -> None:
    size = 1000 - HEADER_BYTES
    hosts = NetworkWorld(links={"uplink": 10_000.0, "downlink": 5_000.0, "queue": 4000})
    a, b = hosts.peers(2)
    for _ in range(6):
        a.send(bytes(size), b)
    hosts.run(5.0)
    assert hosts.network.lost == {"uplink": 2}
    assert [time for time, _, _ in b.received] == pytest.approx([0.35, 0.55, 0.75, 0.95])
    c = Peer(hosts, 3)
    for sender in (a, c) * 4:
        sender.send(bytes(size), b)
    hosts.run(5.0)
    assert hosts.network.lost["downlink"] == 3


def test_duplicates_and_reordering_have_their_shares() -> None:
    hosts = NetworkWorld(links={"duplicate": 0.1, "reorder": 0.2})
    a, b = hosts.peers(2)
    for number in range(2000):
        a.send(number.to_bytes(2, "big"), b)
        hosts.run(0.001)
    hosts.run(1.0)
    assert len(b.received) == pytest.approx(2200, rel=0.03)
    assert len(dict.fromkeys(b.packets)) == 2000
    delays = [time - int.from_bytes(packet, "big") / 1000 for time, packet, _ in b.received]
    assert sum(delay > 0.0501 for delay in delays) == pytest.approx(400, rel=0.15)
    assert max(delays) <= 0.1 + 1e-6
    assert b.packets != sorted(b.packets)


def test_bytes_are_counted_per_host_and_taps_see_every_packet() -> None:
    hosts = NetworkWorld(links={"loss": 0.5})
    a, b = hosts.peers(2)
    seen: list[tuple[object, ...]] = []
    hosts.network.taps.append(lambda *packet: seen.append(packet))
    hosts.run(0.5)
    a.send(b"there", b)
    b.send(b"back again", a)
    a.send(b"nobody", endpoint(7))
    assert hosts.network.bytes_sent == [0, 11 + 2 * HEADER_BYTES, 10 + HEADER_BYTES]
    assert hosts.network.bytes == sum(hosts.network.bytes_sent)
    assert seen == [
        (500_000_000, 1, 2, a.endpoint, b.endpoint, b"there"),
        (500_000_000, 2, 1, b.endpoint, a.endpoint, b"back again"),
        (500_000_000, 1, NOBODY, a.endpoint, endpoint(7), b"nobody"),
    ]


def test_the_digests_are_over_time_ends_and_bytes_or_size() -> None:
    def digests(packet: bytes = b"x", at: float = 1.0, back: bool = False) -> tuple[str, str]:
        hosts = NetworkWorld()
        a, b = hosts.peers(2)
        hosts.run(at)
        sender, receiver = (b, a) if back else (a, b)
        sender.send(packet, receiver)
        return hosts.network.digest(), hosts.network.events_digest()

    assert digests() == digests()
    changed = [digests(packet=b"xx"), digests(at=1.5), digests(back=True)]
    for place in (0, 1):
        assert len(dict.fromkeys(each[place] for each in (digests(), *changed))) == 4
    other_bytes = digests(packet=b"y")
    assert other_bytes[0] != digests()[0]
    assert other_bytes[1] == digests()[1]


def test_asking_for_a_digest_changes_nothing() -> None:
    def digest(ask_every: int) -> str:
        hosts = NetworkWorld()
        a, b = hosts.peers(2)
        for number in range(300):
            a.send(bytes(number), b)
            if number % ask_every == 0:
                hosts.network.digest()
        return hosts.network.digest()

    assert digest(1) == digest(7) == digest(1000)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_seed_fixes_everything(seed: int) -> None:
    def run(of: int) -> tuple[object, ...]:
        hosts = NetworkWorld(of, {"loss": 0.1, "burst_loss": 0.1, "duplicate": 0.1, "uplink": 5e4}, SPREAD)
        peers = hosts.peers(5)
        return chat(hosts, peers), arrivals(peers)

    assert run(seed) == run(seed)
    assert run(seed) != run(seed + 1)


@pytest.mark.parametrize(
    "added",
    [
        {"uplink": 1e12},
        {"downlink": 1e12},
        {"duplicate": 1e-12},
        {"reorder": 1e-12},
        {"burst_loss": 1e-12},
        {"mtu": 60_000},
    ],
    ids=lambda added: next(iter(added)),
)
def test_switching_a_feature_on_shifts_no_other(added: dict[str, float]) -> None:
    """The values are so small that nothing happens: the losses and delays must be those without the feature."""

    def run(links: dict[str, float]) -> tuple[list[list[bytes]], list[float]]:
        hosts = NetworkWorld(3, {"loss": 0.2, **links}, SPREAD)
        peers = hosts.peers(5)
        chat(hosts, peers)
        times = [time for peer in peers for time, _, _ in peer.received]
        return [peer.packets for peer in peers], times

    (packets, times), (packets_without, times_without) = run(added), run({})
    assert packets == packets_without
    assert times == pytest.approx(times_without, abs=1e-7)


def test_a_partition_that_is_over_leaves_no_trace() -> None:
    def run(partition: bool) -> tuple[str, str]:
        hosts = NetworkWorld(3, {"loss": 0.2}, SPREAD)
        peers = hosts.peers(5)
        if partition:
            hosts.network.partitions.end(hosts.network.partitions.begin("symmetric", [1, 2]))
        return chat(hosts, peers)

    assert run(True) == run(False)


def test_a_pickled_world_goes_on_as_if_nothing_had_happened() -> None:
    hosts = NetworkWorld(4, {"loss": 0.1, "burst_loss": 0.1, "uplink": 5e4, "downlink": 5e4}, SPREAD)
    peers = hosts.peers(5)
    peers[0].open(peers[1])
    handle = hosts.network.partitions.begin("clog", [3])
    chat(hosts, peers)
    peers[0].send(bytes(30_000), peers[1].endpoint._replace(transport="tcp"))
    twin, twin_peers = cloudpickle.loads(cloudpickle.dumps((hosts, peers)))
    for world, its_peers in ((hosts, peers), (twin, twin_peers)):
        world.network.partitions.end(handle)
        chat(world, its_peers)
    assert twin.network is not hosts.network
    assert twin.network.packets == hosts.network.packets > 600
    assert twin.network.digest() == hosts.network.digest()
    assert arrivals(twin_peers) == arrivals(peers)
    assert bytes(30_000) in peers[1].packets
