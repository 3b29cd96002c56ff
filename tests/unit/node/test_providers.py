"""Who counts as offering a capability, and how fresh that is."""

from __future__ import annotations

import pytest
from node_world import Nodes, until_done

from mesh99.dht import DhtConfig
from mesh99.dht.get import Found
from mesh99.node import NodeConfig
from mesh99.node.overlay.config import OverlayConfig
from mesh99.node.providers import Provider, live_providers
from mesh99.wire.errors import ConfigError
from mesh99.wire.identity import Identity
from mesh99.wire.node_record import NodeRecord
from mesh99.wire.record import Record, capability_key

KEY = capability_key("work")
DAY_S = 86_400


def found(seed: int, born_at: float, *, value: bytes | None = None, ttl_s: int = 100) -> Found:
    identity = Identity(bytes([seed]) * 32)
    if value is None:
        agent = NodeRecord(public_key=identity.public_key, name=f"agent {seed}", ttl_s=ttl_s)
        return Found(agent.to_record(identity, KEY), born_at)
    return Found(Record.create(identity, KEY, value, sequence=1, ttl_s=ttl_s), born_at)


def test_the_last_to_publish_comes_first_with_its_times() -> None:
    newer, older = live_providers([found(1, 40.0), found(2, 90.0)], 100.0, DAY_S)
    assert (newer.name, newer.age_s, newer.ends_in_s) == ("agent 2", 10.0, 90.0)
    assert (older.name, older.age_s, older.ends_in_s) == ("agent 1", 60.0, 40.0)
    assert newer.to_json() == {**newer.agent.to_json(), "age_s": 10.0, "ends_in_s": 90.0}


@pytest.mark.parametrize(
    "gone",
    [found(1, 0.0), found(1, 99.0, value=b""), found(1, 99.0, value=b"no agent"), found(1, 40.0, ttl_s=2000)],
    ids=["over", "withdrawn", "no agent", "over by the limit of every life"],
)
def test_what_is_not_in_force_is_left_out(gone: Found) -> None:
    assert [each.name for each in live_providers([gone, found(2, 99.0)], 100.0, 60)] == ["agent 2"]


def test_an_age_from_the_future_is_none_at_all() -> None:
    [provider] = live_providers([found(1, 101.0)], 100.0, DAY_S)
    assert provider.age_s == 0.0


async def test_a_node_finds_the_freshest_first(nodes: Nodes) -> None:
    asker = await nodes.start("asker")
    for name in ("first", "second"):
        await nodes.start(name, capabilities=["work"])
    providers: list[Provider] = await until_done(lambda: asker.find("work"), lambda found: len(found) == 2)
    ages = [provider.age_s for provider in providers]
    assert None not in ages
    assert ages == sorted(ages, key=lambda age: age or 0.0)
    assert all(0 < (provider.ends_in_s or 0) <= 1200 for provider in providers)


async def test_agents_are_found_by_what_they_say_of_the_capability(nodes: Nodes) -> None:
    asker = await nodes.start("asker")
    old = {"version": "1.9", "tags": ["fr"], "region": "us"}
    new = {"version": "2.10", "tags": ["de", "fr"], "region": "eu"}
    await nodes.start("old", capabilities={"translate": old, "rest": {}})
    await nodes.start("new", capabilities={"translate": new})
    await until_done(lambda: asker.find("translate"), lambda found: len(found) == 2)

    async def names(*where: str) -> list[str]:
        return sorted(provider.name for provider in await asker.find("translate", *where))

    assert await names("version>=2") == await names("region=eu", "tags=de") == ["new"]
    assert await names("tags=fr") == ["new", "old"]
    assert await names("tags=it") == []
    [resting] = await asker.find("rest")
    assert resting.agent.attributes == {}
    with pytest.raises(ConfigError, match="no NAME"):
        await asker.find("translate", "nonsense")


async def test_what_is_said_of_a_capability_can_change(nodes: Nodes) -> None:
    quick = NodeConfig(overlay=OverlayConfig(dht=DhtConfig(change_s_min=0.05)))
    asker = await nodes.start("asker")
    worker = await nodes.start("worker", capabilities={"Work": {"load": 0.1, "region": "eu"}}, config=quick)
    await until_done(lambda: asker.find("work"))
    for load in (0.2, 0.4, 0.9):
        worker.announce("WORK", load=load, region=None)
    [found] = await until_done(lambda: asker.find("work", "load>0.8"))
    assert (found.name, found.agent.attributes) == ("worker", {"load": 0.9})
    with pytest.raises(ConfigError, match="does not offer rest"):
        worker.announce("rest", load=0)
    with pytest.raises(ConfigError, match="load"):
        worker.announce("work", load=7)
    await worker.stop()
    worker.announce("work", load=0)
    assert worker.offers == {"work": {"load": 0}}
