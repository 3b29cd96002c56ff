"""The simulated network: delays, losses, counting, digest."""

from __future__ import annotations

import pytest

from mesh99.simulations.network import HEADER_BYTES, RTT_QUANTILES_MS, Network, NetworkConfig, rtt_quantile_ms
from mesh99.simulations.world import World
from mesh99.wire.endpoint import Endpoint

A = Endpoint("udp", "10.0.0.1", 7400)
B = Endpoint("udp", "10.0.0.2", 7400)


def _pair(seed: int = 1, **config: float) -> tuple[World, Network, list[tuple[float, bytes, Endpoint]]]:
    world = World(seed)
    network = Network(world, NetworkConfig(**config))  # type: ignore[arg-type]
    arrived: list[tuple[float, bytes, Endpoint]] = []
    network.attach(A, 1, lambda packet, source: None)
    network.attach(B, 2, lambda packet, source: arrived.append((world.now(), packet, source)))
    return world, network, arrived


def test_a_packet_arrives_after_the_delay_of_the_pair() -> None:
    world, network, arrived = _pair(loss=0.0, jitter=0.0)
    network.send(b"hello", 1, A, B)
    world.run_until(10.0)
    assert arrived == [(pytest.approx(network.delay_s(1, 2), abs=1e-8), b"hello", A)]
    assert (network.packets, network.bytes, network.lost) == (1, 5 + HEADER_BYTES, 0)


def test_delays_are_symmetric_differ_by_pair_and_have_the_measured_median() -> None:
    network = Network(World(1))
    delays = [network.delay_s(a, b) for a in range(60) for b in range(a)]
    assert network.delay_s(3, 9) == network.delay_s(9, 3)
    assert len(dict.fromkeys(delays)) == len(delays)
    assert sorted(delays)[len(delays) // 2] == pytest.approx(0.135 / 2, rel=0.1)


def test_jitter_spreads_arrivals_within_its_share() -> None:
    world, network, arrived = _pair(loss=0.0, jitter=0.5)
    for _ in range(50):
        network.send(b"x", 1, A, B)
    world.run_until(10.0)
    base = network.delay_s(1, 2)
    times = [time for time, _, _ in arrived]
    assert base <= min(times) < max(times) <= base * 1.5 + 1e-9


def test_the_set_share_of_packets_is_lost() -> None:
    world, network, arrived = _pair(loss=0.25)
    for _ in range(2000):
        network.send(b"x", 1, A, B)
    world.run_until(10.0)
    assert len(arrived) + network.lost == 2000
    assert network.lost == pytest.approx(500, rel=0.15)


def test_too_large_packets_and_those_to_nobody_vanish() -> None:
    world, network, arrived = _pair(loss=0.0)
    network.send(bytes(1473), 1, A, B)
    network.send(b"x", 1, A, B._replace(port=1))
    network.send(b"under way", 1, A, B)
    network.detach(B)
    world.run_until(10.0)
    assert (arrived, network.lost) == ([], 3)


def test_the_digest_is_over_time_ends_and_bytes() -> None:
    def digest(seed: int = 1, packet: bytes = b"x", at: float = 1.0, back: bool = False) -> str:
        world, network, _ = _pair(seed)
        world.run_until(at)
        network.send(packet, *((2, B, A) if back else (1, A, B)))
        return network.digest()

    others = [digest(packet=b"y"), digest(at=1.5), digest(back=True), Network(World(1)).digest()]
    assert digest() == digest()
    assert digest() not in others
    assert len(dict.fromkeys(others)) == 4


def test_the_quantiles_go_through_the_measured_points() -> None:
    assert [rtt_quantile_ms(share) for share, _ in RTT_QUANTILES_MS] == pytest.approx(
        [ms for _, ms in RTT_QUANTILES_MS]
    )
    assert rtt_quantile_ms(0.375) == pytest.approx((59 + 135) / 2)
