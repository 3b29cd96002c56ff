"""Pushes between overlays: over the session there is, or in the handshake of one that is not kept."""

from __future__ import annotations

import pytest
from overlay_world import World

from mesh99.dht.listen import Change
from mesh99.node.overlay.config import OverlayConfig
from mesh99.wire.record import Record

KEY = b"\x42" * 32
DELAY_S = 0.03


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize(("size_bytes", "delays"), [(100, 1), (800, 3)])
def test_a_change_is_pushed_with_and_without_a_session(large: bool, size_bytes: int, delays: int) -> None:
    """A record that fits a handshake takes one one-way delay; without a session a longer one waits for a handshake."""
    world = World(delay_s=DELAY_S)
    config = OverlayConfig.large() if large else OverlayConfig()
    a, b = world.add(1, config), world.add(2, config)
    a.dht.verified(world.contact_of(b), world.now)
    told: list[tuple[float, Change]] = []
    a.dht.listen(KEY, world.now, lambda change: told.append((world.now, change)))
    world.run_for(2.0)
    assert b.dht.listeners.size == 1
    assert bool(len(b.lines)) is not large
    began = world.now
    record = Record.create(b.identity, KEY, b"v" * size_bytes, sequence=1, ttl_s=60)
    assert b.dht.store.put(record, began).name == "STORED"
    world.run(lambda: told)
    expected = delays if large else 1
    assert told[0][0] - began == pytest.approx(expected * DELAY_S, abs=0.010)
