"""Values in the DHT as a program puts and gets them."""

from __future__ import annotations

from contextlib import suppress

import pytest
from node_world import Nodes, until_done

from mesh99.dht import DhtConfig
from mesh99.node import LookupFailed, NodeConfig
from mesh99.node.overlay.config import OverlayConfig
from mesh99.wire.errors import ConfigError, NotStored


async def test_a_put_that_nobody_takes_tells_why(nodes: Nodes) -> None:
    config = NodeConfig(overlay=OverlayConfig(dht=DhtConfig(records_per_owner_max=1)))
    await nodes.start("server", config=config)
    asker = await nodes.start("asker", config=config)
    with suppress(NotStored):  # its own record may be there first
        await asker.put("name", "whatever takes the only place")
    with pytest.raises(NotStored) as raised:
        await asker.put("motto", "direct lines")
    assert raised.value.refused == {"owner quota": 2}
    assert str(raised.value) == "nobody stores motto: owner quota (2)"


async def test_content_is_read_by_the_key_it_was_given(nodes: Nodes) -> None:
    author = await nodes.start("author")
    reader = await nodes.start("reader")
    stored = await author.put_content("direct lines")
    assert stored.key.startswith("content:")
    assert stored.stored_on
    assert (await reader.put_content("direct lines")).key == stored.key, "whoever publishes it"
    found = await reader.get(stored.key)
    assert (found.value, found.owner) == ("direct lines", "")
    assert (await reader.explain_get(stored.key)).result == "direct lines"
    assert await reader.trace(stored.key)


async def test_a_key_of_content_is_taken_for_nothing_else(nodes: Nodes) -> None:
    node = await nodes.start()
    key = (await node.put_content("direct lines")).key
    with pytest.raises(ConfigError, match="never changes"):
        await node.put(key, "another")
    with pytest.raises(ConfigError, match="never changes"):
        node.watch_value(key)
    with pytest.raises(ConfigError, match="not one of content"):
        await node.get("content:nonsense")
    with pytest.raises(ConfigError, match="0 bytes where 1 to 800"):
        await node.put_content("")
    with pytest.raises(ConfigError, match="over the limit"):
        await node.put_content("x" * 801)
    with pytest.raises(LookupFailed):
        await node.get("content:" + "a" * 52)


async def test_many_values_are_got_at_once(nodes: Nodes) -> None:
    asker = await nodes.start("asker")
    reader = await nodes.start("reader")
    await until_done(lambda: reader.resolve("asker"))
    await until_done(lambda: asker.resolve("reader"))
    keys = [f"key {number}" for number in range(12)]
    for key in keys:
        await asker.put(key, f"value of {key}")
    found = await reader.get_many([*keys, "never"])
    assert {key: each.value for key, each in found.items()} == {key: f"value of {key}" for key in keys}
    assert {each.owner for each in found.values()} == {asker.node_id.text}


async def test_a_value_is_taken_back(nodes: Nodes) -> None:
    author = await nodes.start("author")
    reader = await nodes.start("reader")
    await until_done(lambda: author.resolve("reader"))
    await author.put("motto", "direct lines")
    await until_done(lambda: reader.get("motto"))
    assert (await author.delete("motto")).stored_on
    with pytest.raises(LookupFailed):
        await reader.get("motto")


@pytest.mark.parametrize(("key", "value"), [("", "x"), ("k" * 4097, "x"), ("k", ""), ("k", "x" * 801)])
async def test_what_is_empty_or_too_large_is_refused_with_the_limit(
    nodes: Nodes, key: str, value: str
) -> None:
    node = await nodes.start()
    with pytest.raises(ConfigError, match=r"\d+ bytes (where 1 to|are over the limit of) \d+"):
        await node.put(key, value)
