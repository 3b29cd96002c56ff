"""When a node that is short of contacts asks its sources again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from itertools import pairwise

import pytest
from free_port import free_port
from node_world import Nodes, udp_of, until

from mesh99.node import NodeConfig
from mesh99.node.overlay.config import OverlayConfig
from mesh99.node.reseeding import Reseeding

CONFIG = NodeConfig(rejoin_s=5.0, rejoin_max_s=60.0, reseed_max_s=900.0)
TICK_S = 5


def asked(contacts_at: Callable[[int], int], until_s: int) -> list[int]:
    """Return when the sources are asked, looking every five seconds."""
    reseeding = Reseeding(CONFIG, 10, 0.0)
    times = []
    for now in range(TICK_S, until_s + 1, TICK_S):
        if reseeding.is_due(contacts_at(now), now):
            reseeding.asked(contacts_at(now), now)
            times.append(now)
    return times


def gaps(times: list[int]) -> list[int]:
    return [later - earlier for earlier, later in pairwise([0, *times])]


def test_who_has_enough_never_asks() -> None:
    assert asked(lambda now: 10, 100_000) == []


def test_who_is_alone_asks_with_pauses_that_grow_to_a_minute() -> None:
    assert gaps(asked(lambda now: 0, 300)) == [5, 10, 20, 40, 60, 60, 60]


def test_a_small_network_does_not_besiege_its_registry() -> None:
    times = asked(lambda now: 4, 7200)
    assert gaps(times)[:5] == [60, 120, 240, 480, 900]
    assert len(times) == 11


def test_who_falls_from_enough_to_few_asks_at_once_and_then_rarely() -> None:
    times = asked(lambda now: 40 if now < 1000 else 6, 1600)
    assert times == [1000, 1120, 1360]


def test_a_small_network_that_loses_half_asks_at_once() -> None:
    assert asked(lambda now: 6 if now < 100 else 3, 110) == [60, 100]
    assert asked(lambda now: 6 if now < 100 else 5, 110) == [60]


def test_who_comes_and_goes_makes_no_storm() -> None:
    """Half of four contacts flap every five seconds for an hour."""
    times = asked(lambda now: 4 if now // TICK_S % 2 else 2, 3600)
    assert len(times) <= 20


def test_pauses_begin_anew_after_good_times() -> None:
    def contacts_at(now: int) -> int:
        return 20 if 500 < now < 600 else 0

    assert [when for when in asked(contacts_at, 640) if when >= 500] == [600, 610, 630]


async def test_a_node_with_few_contacts_goes_on_looking_for_more(
    nodes: Nodes, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    impatient = NodeConfig(rejoin_s=0.1, rejoin_max_s=0.1, overlay=OverlayConfig(dial_timeout_s=0.3))
    first = await nodes.start("first")
    peers = (udp_of(first), f"127.0.0.1:{port}")
    with caplog.at_level(logging.INFO):
        between = await nodes.start("between", peers=peers, config=impatient)
        await until(lambda: f"no join through udp://127.0.0.1:{port}" in caplog.text)
    assert between.status().peers == 1
    island = await nodes.start("island", listen=f"127.0.0.1:{port}", peers=())
    await until(lambda: island.status().peers == 2)
