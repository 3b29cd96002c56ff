"""Watching a capability and a key with real nodes: who and what comes, changes and goes; and how a watch ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

import pytest
from node_world import DEADLINE_S, Nodes, until

from mesh99.dht import DhtConfig
from mesh99.dht.listen import Change
from mesh99.node import Node, NodeConfig
from mesh99.node.conditions import Conditions
from mesh99.node.event_queue import EventQueue
from mesh99.node.overlay.config import OverlayConfig
from mesh99.node.results import AgentEvent, ValueEvent
from mesh99.node.watches import Agents
from mesh99.wire.attributes import Value
from mesh99.wire.errors import NodeClosed, QueueFull
from mesh99.wire.identity import Identity
from mesh99.wire.node_record import NodeRecord
from mesh99.wire.record import Record, capability_key

SHORT_LIVED = NodeConfig(record_ttl_s=2)


async def following(events: AsyncGenerator[object, None]) -> object:
    return await asyncio.wait_for(anext(events), DEADLINE_S)


async def agent(events: AsyncGenerator[AgentEvent, None]) -> tuple[str, str, str]:
    event = await following(events)
    assert isinstance(event, AgentEvent)
    return event.kind, event.agent.name, event.agent.node_id.text


async def value(events: AsyncGenerator[ValueEvent, None]) -> tuple[str, str, str]:
    event = await following(events)
    assert isinstance(event, ValueEvent)
    return event.kind, event.value, event.owner


def listenings(node: Node) -> int:
    assert node._running is not None
    return node._running.overlay.dht.listenings.size


async def test_agents_that_are_there_that_come_and_that_go(nodes: Nodes) -> None:
    watcher = await nodes.start("watcher")
    first = await nodes.start("first", capabilities=["Summarize"])
    await nodes.start("other", capabilities=["translate"])
    async with aclosing(watcher.watch("summarize")) as events:
        assert await agent(events) == ("came", "first", first.node_id.text)
        second = await nodes.start("second", capabilities=["summarize"], config=SHORT_LIVED)
        assert await agent(events) == ("came", "second", second.node_id.text)
        await second.stop()
        assert await agent(events) == ("gone", "second", second.node_id.text)
        await second.start()
        assert await agent(events) == ("came", "second", second.node_id.text)


def test_a_renewal_is_not_told_and_what_is_no_agent_is_none() -> None:
    identity, agents, key = Identity(b"\1" * 32), Agents(), capability_key("work")
    says = NodeRecord(public_key=identity.public_key, name="steady", capabilities=("work",), sequence=1)

    def event(value: bytes, live: bool = True) -> AgentEvent | None:
        record = Record.create(identity, key, value, sequence=1, ttl_s=1200)
        return agents.event(Change(record, live, False, 0.0, 1200.0))

    good = says.to_record(identity, key).value
    assert event(good) == AgentEvent(kind="came", agent=says)
    assert event(good) is None
    assert event(b"", live=False) == AgentEvent(kind="gone", agent=says)
    assert event(b"", live=False) is None
    assert event(b"no agent") is None
    assert event(good) == AgentEvent(kind="came", agent=says)
    assert event(b"no agent") == AgentEvent(kind="gone", agent=says)


async def test_a_node_watches_itself(nodes: Nodes) -> None:
    alone = await nodes.start("alone", capabilities=["work"])
    async with aclosing(alone.watch("work")) as events:
        assert await agent(events) == ("came", "alone", alone.node_id.text)


async def test_values_come_and_change_once_each(nodes: Nodes) -> None:
    watcher, writer, other = [await nodes.start(name) for name in ("watcher", "writer", "other")]
    await writer.put("colour", "blue")
    async with aclosing(watcher.watch_value("colour")) as events:
        assert await value(events) == ("came", "blue", writer.node_id.text)
        await writer.put("colour", "blue")
        await writer.put("colour", "red")
        assert await value(events) == ("changed", "red", writer.node_id.text)
        await other.put("colour", "green")
        assert await value(events) == ("came", "green", other.node_id.text)


async def test_a_value_goes_with_its_life(nodes: Nodes) -> None:
    watcher = await nodes.start("watcher")
    writer = await nodes.start("writer", config=NodeConfig(value_ttl_s=2))
    await writer.put("colour", "blue")
    async with aclosing(watcher.watch_value("colour")) as events:
        assert await value(events) == ("came", "blue", writer.node_id.text)
        await writer.stop()
        assert await value(events) == ("gone", "blue", writer.node_id.text)


async def test_a_reader_that_stops_leaves_nothing_behind(nodes: Nodes) -> None:
    node = await nodes.start("node", capabilities=["work"])
    async for _ in node.watch("work"):
        assert listenings(node) == 1
        break
    await until(lambda: listenings(node) == 0, "the listening of a loop that was left to be cancelled")
    events = node.watch("nothing")
    reading = asyncio.create_task(following(events))
    await until(lambda: listenings(node) == 1)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert listenings(node) == 0
    node.watch("never read")
    assert listenings(node) == 0


async def test_a_watch_ends_with_the_node(nodes: Nodes) -> None:
    node = await nodes.start("node", capabilities=["work"])
    seen: list[str] = []

    async def watch() -> None:
        async for event in node.watch("work"):
            seen.append(event.kind)

    watching = asyncio.create_task(watch())
    await until(lambda: seen)
    late = node.watch("work")
    await node.stop()
    await asyncio.wait_for(watching, DEADLINE_S)
    assert seen == ["came"]
    assert [event async for event in late] == []
    for use in (node.watch, node.watch_value):
        with pytest.raises(NodeClosed):
            use("work")


async def test_too_many_watches_are_refused(nodes: Nodes) -> None:
    overlay = replace(OverlayConfig(), dht=DhtConfig(listenings_max=1))
    node = await nodes.start("node", capabilities=["work"], config=NodeConfig(overlay=overlay))
    async with aclosing(node.watch("work")) as events:
        await following(events)
        with pytest.raises(QueueFull):
            await anext(node.watch_value("colour"))


async def test_a_slow_reader_misses_the_oldest() -> None:
    queue: EventQueue[int] = EventQueue(3)
    for number in range(5):
        queue.add(number)
    queue.close()
    assert [await queue.next() for _ in range(4)] == [2, 3, 4, None]


def saying(identity: Identity, sequence: int, **attributes: Value) -> Change:
    says = NodeRecord(public_key=identity.public_key, attributes=attributes, sequence=sequence)
    return Change(says.to_record(identity, capability_key("work")), True, False, 0.0, 1200.0)


def test_an_agent_that_says_something_else_of_its_capability_has_changed() -> None:
    identity, agents = Identity(b"\1" * 32), Agents()
    changes = [saying(identity, n, load=load) for n, load in enumerate((0.1, 0.1, 0.2))]
    kinds = [event and event.kind for event in map(agents.event, changes)]
    assert kinds == ["came", None, "changed"]


def test_a_watch_with_conditions_tells_who_comes_to_meet_them() -> None:
    identity, agents = Identity(b"\1" * 32), Agents(Conditions.parse(["load<0.5"]))
    changes = [saying(identity, n, load=load) for n, load in enumerate((0.9, 0.4, 0.3, 0.7, 0.8, 0.1))]
    kinds = [event and event.kind for event in map(agents.event, changes)]
    assert kinds == [None, "came", "changed", "gone", None, "came"]


async def test_a_change_of_attributes_is_pushed(nodes: Nodes) -> None:
    quick = NodeConfig(overlay=OverlayConfig(dht=DhtConfig(change_s_min=0.05)))
    watcher = await nodes.start("watcher")
    worker = await nodes.start("worker", capabilities={"work": {"load": 0.1}}, config=quick)
    async with aclosing(watcher.watch("work")) as events:
        assert await agent(events) == ("came", "worker", worker.node_id.text)
        worker.announce("work", load=0.7)
        event = await asyncio.wait_for(anext(events), DEADLINE_S)
        assert (event.kind, event.agent.attributes) == ("changed", {"load": 0.7})
