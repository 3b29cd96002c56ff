"""The real registry, called by real clients over the simulated network."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

import pytest
from agents_world import AgentsWorld

from mesh99.node.registry import RegistryClient, packet_for
from mesh99.simulations.agents.host import AgentHost
from mesh99.simulations.agents.lies import forged, garbage, nobody, only, sometimes
from mesh99.simulations.agents.registry import Lie
from mesh99.simulations.scenario.schema import Partition
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.errors import RegistryUnavailable, RemoteRejected
from mesh99.wire.identity import Identity
from mesh99.wire.node_record import NodeRecord

Program = Callable[[RegistryClient], Awaitable[None]]


def packet(number: int) -> dict[str, object]:
    identity = Identity(bytes([number]) * 32)
    record = NodeRecord(
        public_key=identity.public_key,
        endpoints=(Endpoint("udp", f"10.0.1.{number}", 7400),),
        name=f"agent-{number}",
        capabilities=("work",),
        sequence=1,
        ttl_s=600,
    )
    return packet_for(record, {}, identity)


def with_client(agents: AgentsWorld, program: Program) -> None:
    """Run a program that has a client on a machine, while the registry is up."""

    async def run() -> None:
        await agents.registry.start()
        host = attached(agents)
        client = host.registry(agents.registry.url)
        await program(client)
        await client.close()
        await host.close()
        await agents.registry.stop()
        await asyncio.sleep(1)

    agents.run(run())


def attached(agents: AgentsWorld) -> AgentHost:
    """Return a host that is on the network, without a node."""
    host = agents.machine().host()
    agents.network.attach(host.endpoint, host.index, host._received, host)
    return host


def test_calls_of_every_kind_reach_the_service(agents: AgentsWorld) -> None:
    async def program(client: RegistryClient) -> None:
        uuid = await client.register(packet(1))
        assert await client.healthcheck() == 1
        assert [row["name"] for row in await client.discover("work")] == ["agent-1"]
        assert [node.name for node in await client.nodes()] == ["agent-1"]
        assert await client.heartbeat(uuid)
        assert await client.withdraw(uuid)
        assert await client.list() == []

    with_client(agents, program)
    assert agents.registry.calls == 7


def test_a_refusal_is_one_that_names_the_field(agents: AgentsWorld) -> None:
    async def program(client: RegistryClient) -> None:
        broken = packet(1)
        broken["p2p"] = {"record": "!"}
        with pytest.raises(RemoteRejected) as caught:
            await client.register(broken)
        assert caught.value.field == "p2p.record"

    with_client(agents, program)


def test_calls_take_the_time_of_their_way(agents: AgentsWorld) -> None:
    async def program(client: RegistryClient) -> None:
        round_trip_s = 2 * agents.network.delay_s(2, 1)
        began = agents.loop.time()
        await client.healthcheck()
        first_s = agents.loop.time() - began
        await client.healthcheck()
        second_s = agents.loop.time() - began - first_s
        assert 2 * round_trip_s <= first_s < 2.5 * round_trip_s, "opening a connection is a round trip more"
        assert round_trip_s <= second_s < 1.5 * round_trip_s
        await asyncio.sleep(60)
        began = agents.loop.time()
        await client.healthcheck()
        assert agents.loop.time() - began >= 2 * round_trip_s, "an idle connection was closed"

    with_client(agents, program)


def test_many_calls_at_once_and_long_answers_come_back_to_who_asked(agents: AgentsWorld) -> None:
    async def program(client: RegistryClient) -> None:
        for number in range(1, 101):
            await client.register({"name": f"agent-{number}", "capabilities": ["work"], "notes": "x" * 2000})
        counts_and_rows = await asyncio.gather(client.healthcheck(), client.list(), client.healthcheck())
        assert counts_and_rows[0] == counts_and_rows[2] == 100
        assert len(counts_and_rows[1]) == 100

    with_client(agents, program)


def test_down_calls_are_refused_and_up_again_answered(agents: AgentsWorld) -> None:
    async def program(client: RegistryClient) -> None:
        await client.register(packet(1))
        agents.registry.go_down()
        for _ in range(2):
            with pytest.raises(RegistryUnavailable):
                await client.healthcheck()
        assert not agents.registry.up
        agents.registry.come_up()
        assert await client.healthcheck() == 1

    with_client(agents, program)


def test_a_call_under_way_fails_when_the_registry_goes(agents: AgentsWorld) -> None:
    async def program(client: RegistryClient) -> None:
        await client.healthcheck()
        call = asyncio.create_task(client.healthcheck())
        await asyncio.sleep(agents.network.delay_s(2, 1) / 2)
        agents.registry.go_down()
        with pytest.raises(RegistryUnavailable):
            await call

    with_client(agents, program)


def test_a_registry_that_says_nothing_costs_the_whole_time_limit(agents: AgentsWorld) -> None:
    async def program(client: RegistryClient) -> None:
        agents.registry.go_down(silent=True)
        began = agents.loop.time()
        with pytest.raises(RegistryUnavailable, match="no answer within 5 s"):
            await client.healthcheck()
        assert agents.loop.time() - began == pytest.approx(5.0)
        agents.registry.come_up()
        assert await client.healthcheck() == 0

    with_client(agents, program)


def test_a_partition_cuts_the_way_to_it(agents: AgentsWorld) -> None:
    async def program(client: RegistryClient) -> None:
        cut = Partition(at=0, lasts=1)  # type: ignore[arg-type]
        handle = agents.network.partitions.begin(cut.kind, [2])
        with pytest.raises(RegistryUnavailable):
            await client.healthcheck()
        agents.network.partitions.end(handle)
        await asyncio.sleep(30)
        assert await client.healthcheck() == 0

    with_client(agents, program)


def test_who_sends_no_heartbeat_is_forgotten(agents: AgentsWorld) -> None:
    async def program(client: RegistryClient) -> None:
        await client.register({"ttl": 90, **packet(1)})
        await asyncio.sleep(89)
        assert await client.healthcheck() == 1
        await asyncio.sleep(10)
        assert await client.healthcheck() == 0

    with_client(agents, program)


@pytest.mark.parametrize(
    ("lie", "left"),
    [
        (nobody, []),
        (only([Identity(bytes([2]) * 32).node_id]), ["agent-2"]),
        (forged(Random(1)), []),
        (sometimes(nobody, 0.0, Random(1)), ["agent-1", "agent-2", "agent-3"]),
    ],
    ids=["nobody", "only", "forged", "never"],
)
def test_a_lie_is_told_and_what_is_forged_is_refused(agents: AgentsWorld, lie: Lie, left: list[str]) -> None:
    async def program(client: RegistryClient) -> None:
        for number in (1, 2, 3):
            await client.register(packet(number))
        agents.registry.lie = lie
        assert sorted(node.name for node in await client.nodes()) == left
        assert await client.healthcheck() == 3, "what is no list stays as it is"

    with_client(agents, program)


def test_garbage_is_a_registry_that_is_not_there(agents: AgentsWorld) -> None:
    async def program(client: RegistryClient) -> None:
        agents.registry.lie = garbage(Random(1))
        with pytest.raises(RegistryUnavailable):
            await client.nodes()

    with_client(agents, program)
