"""Whole nodes on simulated machines: they talk, stop, crash, come back."""

from __future__ import annotations

import asyncio

import pytest
from agents_world import AgentsWorld

from mesh99.node import Node
from mesh99.node.config import NodeConfig
from mesh99.node.saved_contacts import FILE_NAME
from mesh99.simulations.agents.agent import Agent, Ask, Told
from mesh99.wire.errors import DeadlineExceeded, MeshError, NodeClosed


def agent(agents: AgentsWorld, capability: str = "work") -> Agent:
    return Agent(agents.machine(), capability, [agents.registry.url], NodeConfig())


async def started(agents: AgentsWorld, count: int) -> list[Agent]:
    """Start the registry and some agents, and let them find each other."""
    await agents.registry.start()
    made = [agent(agents) for _ in range(count)]
    for each in made:
        await each.start([])
        await asyncio.sleep(1)
    await asyncio.sleep(20)
    return made


async def end(agents: AgentsWorld, *running: Agent) -> None:
    for each in running:
        await each.stop()
    await agents.registry.stop()


def test_agents_find_and_ask_each_other(agents: AgentsWorld) -> None:
    async def program() -> None:
        one, two = await started(agents, 2)
        assert one.joined
        assert await one.ask("work", 41)
        assert (one.answered, two.answered) == (0, 1)
        assert not await one.ask("nothing of the kind", 1)
        found = await one.look_up(two.node_id)
        assert found.nearest == two.node_id
        await one.put("key", "value", 600)
        assert (await two.get("key")).value == "value"
        assert (await two.get("no such key")).value is None
        await end(agents, one, two)

    agents.run(program())


def test_whoever_is_down_cannot_act(agents: AgentsWorld) -> None:
    async def program() -> None:
        one, two = await started(agents, 2)
        await one.stop()
        assert not one.joined
        for act in (one.look_up(bytes(32)), one.get("key"), one.ask("work", 1)):
            with pytest.raises(NodeClosed):
                await act
        await end(agents, two)

    agents.run(program())


def test_a_lookup_that_nobody_waits_for_any_more_ends_with_the_node(agents: AgentsWorld) -> None:
    async def program() -> None:
        one, two = await started(agents, 2)
        looking = asyncio.create_task(one.look_up(bytes(32)))
        await asyncio.sleep(0.001)
        looking.cancel()
        await one.stop()
        await asyncio.sleep(20)
        assert looking.cancelled()
        await end(agents, two)

    agents.run(program())


def test_who_leaves_with_a_goodbye_is_off_the_list_and_the_lines(agents: AgentsWorld) -> None:
    async def program() -> None:
        one, two = await started(agents, 2)
        assert one.node is not None
        await two.stop()
        await asyncio.sleep(2)
        assert one.node.peers() == []
        client = one.machine.running.registry(agents.registry.url)  # type: ignore[union-attr]
        assert await client.healthcheck() == 1
        await end(agents, one)

    agents.run(program())


def test_a_crash_reaches_nobody_and_loses_what_was_not_synced(agents: AgentsWorld) -> None:
    async def program() -> None:
        one, two = await started(agents, 2)
        sent = agents.network.bytes_sent[two.machine.index]
        assert two.machine.disk.read(FILE_NAME)
        two.cut_off(power_lost=True)
        await two.stop()
        assert agents.network.bytes_sent[two.machine.index] == sent
        assert two.machine.disk.read(FILE_NAME) is None, "written 20 s ago, and never synced"
        await asyncio.sleep(60)
        assert one.node is not None
        assert one.node.peers() == [], "its silence was noticed"
        await end(agents, one)

    agents.run(program())


def test_a_restart_without_a_registry_goes_through_saved_contacts(agents: AgentsWorld) -> None:
    async def program() -> None:
        one, two, three = await started(agents, 3)
        await asyncio.sleep(60)
        agents.registry.go_down()
        assert await one.ask("work", 1), "those that run go on"
        for power_lost in (False, True):
            two.cut_off(power_lost=power_lost)
            await two.stop()
            await asyncio.sleep(5)
            assert await two.start([]), f"power lost: {power_lost}"
            assert await two.ask("work", 1)
            await asyncio.sleep(60)
        newcomer = agent(agents)
        assert not await newcomer.start([]), "it knows nobody, and nobody tells it"
        agents.registry.come_up()
        await asyncio.sleep(120)
        assert newcomer.joined
        await end(agents, one, two, three, newcomer)

    agents.run(program())


def test_a_request_takes_no_longer_than_it_may_however_many_providers_are_dead(agents: AgentsWorld) -> None:
    async def program() -> None:
        asker, *providers = await started(agents, 7)
        assert asker.node is not None
        assert len(await asker.node.find("work")) == 7
        for provider in providers:
            provider.cut_off(power_lost=True)
        await asyncio.sleep(60)
        began = agents.loop.time()
        request = asker.node.request(Ask(number=1), capability="work", timeout_s=5.0, reply=Told)
        with pytest.raises(DeadlineExceeded):
            await request
        assert agents.loop.time() - began <= 5.0
        await end(agents, asker, *providers)

    agents.run(program())


def test_a_node_without_handlers_refuses(agents: AgentsWorld) -> None:
    async def program() -> None:
        await agents.registry.start()
        silent, asker = agents.node(agents.machine()), agents.node(agents.machine())
        async with silent, asker:
            await asyncio.sleep(20)
            with pytest.raises(MeshError, match="SimulatedAsk"):
                await asker.request(Ask(number=1), to=silent.node_id)
        await agents.registry.stop()

    agents.run(program())


def test_two_worlds_of_one_seed_are_the_same(agents: AgentsWorld) -> None:
    async def program(world: AgentsWorld) -> str:
        running = await started(world, 4)
        await running[0].ask("work", 1)
        digest = world.network.digest()
        await end(world, *running)
        return digest

    again, other = AgentsWorld(seed=7), AgentsWorld(seed=8)
    digests = [world.run(program(world)) for world in (agents, again, other)]
    again.close()
    other.close()
    assert digests[0] == digests[1] != digests[2]


def test_a_node_takes_its_key_from_where_it_is_given() -> None:
    world = AgentsWorld()
    machine = world.machine()
    assert Node(identity=machine.identity, registries=()).node_id == machine.identity.node_id
    world.close()
