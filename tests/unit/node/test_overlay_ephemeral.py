"""Who asks not to be listed is served like everybody, and is in no table."""

from __future__ import annotations

from dataclasses import replace

import pytest
from overlay_world import World

from mesh99.dht.get import GetResult
from mesh99.dht.listen import Change
from mesh99.dht.messages import Outcome
from mesh99.dht.put import PutResult
from mesh99.node.overlay.config import OverlayConfig
from mesh99.wire.record import Record

KEY = b"\x42" * 32


def ephemeral(config: OverlayConfig) -> OverlayConfig:
    return replace(config, dht=replace(config.dht, ephemeral=True))


@pytest.fixture(params=["default", "large"])
def config(request: pytest.FixtureRequest) -> OverlayConfig:
    return OverlayConfig() if request.param == "default" else OverlayConfig.large()


def test_a_visitor_gets_and_puts_and_leaves_no_trace(config: OverlayConfig) -> None:
    world = World()
    visitor, host = world.add(1, ephemeral(config)), world.add(2, config)
    visitor.dht.verified(world.contact_of(host), world.now)
    put: list[PutResult] = []
    record = Record.create(visitor.identity, KEY, b"v", sequence=1, ttl_s=60)
    visitor.dht.put(record, world.now, put.append)
    world.run(lambda: put)
    assert put[0].stored_on == [host.identity.node_id], "it holds nothing itself"
    found: list[GetResult] = []
    visitor.dht.get(KEY, world.now, found.append)
    world.run(lambda: found)
    assert found[0].records == [record]
    world.run_for(2.0)
    assert visitor.identity.node_id not in host.dht.table
    assert host.identity.node_id in visitor.dht.table
    assert host.dht.statistics().ephemeral > 0


def test_a_visitor_is_pushed_what_it_listens_to_and_is_not_listed_for_its_answers(
    config: OverlayConfig,
) -> None:
    world = World()
    visitor, host = world.add(1, ephemeral(config)), world.add(2, config)
    visitor.dht.verified(world.contact_of(host), world.now)
    told: list[Change] = []
    visitor.dht.listen(KEY, world.now, told.append)
    world.run_for(2.0)
    record = Record.create(host.identity, KEY, b"v", sequence=1, ttl_s=60)
    assert host.dht.store.put(record, world.now) is Outcome.STORED
    world.run(lambda: told)
    world.run_for(2.0)
    assert told[0].record == record
    assert visitor.identity.node_id not in host.dht.table


def test_who_calls_a_visitor_does_not_list_it_and_cannot_store_there(config: OverlayConfig) -> None:
    world = World()
    visitor, host = world.add(1, ephemeral(config)), world.add(2, config)
    lines: list[object] = []
    host.connect(world.contact_of(visitor), world.now, lambda line, error: lines.append(line))
    world.run(lambda: lines)
    world.run_for(1.0)
    assert lines[0] is not None
    assert visitor.identity.node_id not in host.dht.table
    record = Record.create(host.identity, KEY, b"v", sequence=1, ttl_s=60)
    assert visitor.dht.store.put(record, world.now) is Outcome.NO_ROOM


def test_who_was_listed_before_it_became_a_visitor_is_listed_no_more(config: OverlayConfig) -> None:
    world = World()
    visitor, host = world.add(1, ephemeral(config)), world.add(2, config)
    host.dht.verified(world.contact_of(visitor), world.now)
    assert visitor.identity.node_id in host.dht.table
    lines: list[object] = []
    visitor.connect(world.contact_of(host), world.now, lambda line, error: lines.append(line))
    world.run(lambda: lines)
    world.run_for(1.0)
    assert visitor.identity.node_id not in host.dht.table
