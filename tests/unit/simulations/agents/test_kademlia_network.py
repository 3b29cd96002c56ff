"""The stock library in a simulated world."""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time

import pytest
from agents_world import AgentsWorld

kademlia_network = pytest.importorskip("kademlia.network")

from mesh99.simulations.agents import kademlia_network as ours  # noqa: E402
from mesh99.simulations.agents.kademlia_network import StockMember, library_world  # noqa: E402
from mesh99.wire.errors import ConfigError, NodeClosed  # noqa: E402


async def started(agents: AgentsWorld, count: int) -> list[StockMember]:
    members = [StockMember(agents.machine()) for _ in range(count)]
    for member in members:
        await member.start([members[0].machine.endpoint] if member is not members[0] else [])
    return members


def test_it_joins_stores_and_finds(agents: AgentsWorld) -> None:
    async def program() -> None:
        members = await started(agents, 8)
        assert all(member.joined for member in members)
        await members[1].put("key", "value", 60)
        assert (await members[5].get("key")).value == "value"
        assert (await members[5].get("another")).value is None
        # It never returns a node whose id is the target itself: one beside it is looked up.
        beside = bytearray(members[6].node_id)
        beside[ours.LIBRARY_ID_BYTES - 1] ^= 1
        found = await members[2].look_up(bytes(beside))
        assert found.nearest == members[6].node_id
        assert found.asked >= 1
        for member in members:
            await member.stop()

    with library_world(agents.world):
        agents.run(program())


def test_it_comes_back_through_whom_it_knew(agents: AgentsWorld) -> None:
    async def program() -> None:
        members = await started(agents, 4)
        await members[3].stop()
        assert not members[3].joined
        with pytest.raises(NodeClosed):
            await members[3].get("key")
        await asyncio.sleep(10)
        assert await members[3].start([])
        for member in members:
            member.cut_off(power_lost=True)

    with library_world(agents.world):
        agents.run(program())


def test_the_library_is_given_back_what_was_lent() -> None:
    agents = AgentsWorld()
    with library_world(agents.world):
        assert kademlia_network.random is not random
        assert sys.modules["kademlia.storage"].time.monotonic() == 0.0
    agents.close()
    lent = [(sys.modules[module], name) for module, name in ours.BORROWED]
    own = {"random": random, "time": time, "os": os}
    assert all(getattr(module, name) is own[name] for module, name in lent)


def test_the_same_seed_gives_the_same_packets() -> None:
    def digest(seed: int) -> str:
        agents = AgentsWorld(seed)

        async def program() -> str:
            members = await started(agents, 6)
            await members[1].put("key", "value", 60)
            return agents.network.digest()

        with library_world(agents.world):
            found = agents.run(program())
        agents.close()
        return found

    assert digest(1) == digest(1) != digest(2)


def test_a_library_that_is_not_there_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, agents: AgentsWorld
) -> None:
    monkeypatch.setitem(sys.modules, "rpcudp.protocol", None)
    with pytest.raises(ConfigError) as caught, library_world(agents.world):
        pass
    assert "mesh99[sim]" in (caught.value.hint or "")
