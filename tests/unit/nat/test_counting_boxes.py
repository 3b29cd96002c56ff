"""A box that counts its ports, as peers see it."""

from __future__ import annotations

from random import Random

from mesh99.nat.observations import Observations
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.identity import NodeId


def seen(*ports: int, at: float = 10.0) -> Observations:
    """Return the words of as many peers, all of one moment."""
    observations = Observations(16)
    for index, port in enumerate(ports):
        peer = Endpoint("udp", f"20.0.{index}.1", 7400)
        said = Endpoint("udp", "20.9.9.9", port)
        observations.note(NodeId(bytes([index]) * 32), peer, said, at)
    return observations


def test_answers_of_one_moment_come_in_any_order() -> None:
    observations = seen(5002, 5001, 5003)
    assert (observations.step(), observations.next_port()) == (1, 5004)


def test_what_was_seen_long_ago_is_no_part_of_the_sequence() -> None:
    observations = seen(100, 4000, 5001, 5003, 5005)
    assert (observations.step(), observations.next_port()) == (2, 5007)


def test_ports_at_random_are_no_sequence() -> None:
    random = Random(3)
    for _ in range(200):
        observations = seen(*random.sample(range(1024, 65_536), 8))
        assert (observations.step(), observations.next_port()) == (0, 0)


def test_one_port_for_everybody_is_no_sequence() -> None:
    assert seen(5000, 5000, 5000).step() == 0


def test_two_peers_are_too_few() -> None:
    assert seen(5000, 5001).step() == 0


def test_there_is_no_port_after_the_last() -> None:
    assert seen(65_533, 65_534, 65_535).next_port() == 0
