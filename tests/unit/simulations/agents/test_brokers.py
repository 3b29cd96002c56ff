"""The broker's stand-in: what it promises, and what it may be told to do wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from agents_world import AgentsWorld

from mesh99.simulations.agents.broker_client import BrokerClient, BrokerLost
from mesh99.simulations.agents.brokers import Broker, BrokerConfig
from mesh99.simulations.agents.host import AgentHost

BROKER_INDEX = 100
LONG_S = 5.0
"""Longer than any message takes."""


def broker(agents: AgentsWorld, config: BrokerConfig | None = None) -> Broker:
    endpoint = agents.machine().endpoint._replace(host="10.0.0.100", port=4222)
    running = Broker(agents.world, agents.network, BROKER_INDEX, endpoint, config)
    running.come_up()
    return running


def attached(agents: AgentsWorld) -> AgentHost:
    host = agents.machine().host()
    agents.network.attach(host.endpoint, host.index, host._received, host)
    return host


async def client(agents: AgentsWorld, running: Broker) -> BrokerClient:
    connected = BrokerClient(attached(agents), running.endpoint)
    await connected.connect()
    return connected


def keeps(heard: list[bytes]) -> Callable[[str, bytes], None]:
    return lambda topic, body: heard.append(body)


def test_a_topic_goes_to_all_who_are_subscribed_and_nobody_else(agents: AgentsWorld) -> None:
    async def program() -> None:
        running = broker(agents)
        publisher, one, two, other = [await client(agents, running) for _ in range(4)]
        heard: dict[str, list[bytes]] = {"one": [], "two": [], "other": [], "late": []}
        one.subscribe("news", keeps(heard["one"]))
        number = two.subscribe("news", keeps(heard["two"]))
        other.subscribe("weather", keeps(heard["other"]))
        await asyncio.sleep(LONG_S)
        publisher.publish("news", b"first")
        await asyncio.sleep(LONG_S)
        two.unsubscribe(number)
        await asyncio.sleep(LONG_S)
        publisher.publish("news", b"second")
        await asyncio.sleep(LONG_S)
        one.subscribe("news", keeps(heard["late"]))
        await asyncio.sleep(LONG_S)
        assert heard == {"one": [b"first", b"second"], "two": [b"first"], "other": [], "late": []}

    agents.run(program())


def test_a_group_hears_each_message_once(agents: AgentsWorld) -> None:
    async def program() -> None:
        running = broker(agents)
        publisher, *members = [await client(agents, running) for _ in range(4)]
        heard: list[list[bytes]] = [[], [], []]
        for member, kept in zip(members, heard, strict=True):
            member.subscribe("work", keeps(kept), group="workers")
        await asyncio.sleep(LONG_S)
        sent = [b"%d" % number for number in range(60)]
        for body in sent:
            publisher.publish("work", body)
        await asyncio.sleep(LONG_S)
        assert sorted(body for kept in heard for body in kept) == sorted(sent)
        assert all(len(kept) >= 10 for kept in heard), "all of them work"

    agents.run(program())


def test_a_queue_keeps_what_nobody_took_while_the_broker_was_down(agents: AgentsWorld) -> None:
    async def program() -> None:
        running = broker(agents)
        producer = await client(agents, running)
        assert await producer.push("jobs", b"one")
        assert await producer.push("jobs", b"two")
        running.go_down()
        await asyncio.sleep(LONG_S)
        assert not producer.connected
        running.come_up()
        done: list[bytes] = []
        consumer = await client(agents, running)
        consumer.consume("jobs", lambda body, again, acknowledge: (done.append(body), acknowledge()))
        await asyncio.sleep(LONG_S)
        assert done == [b"one", b"two"]
        assert not running.queues["jobs"]

    agents.run(program())


def test_what_a_consumer_did_not_acknowledge_comes_again_in_its_order(agents: AgentsWorld) -> None:
    async def program() -> None:
        running = broker(agents)
        producer, first = await client(agents, running), await client(agents, running)
        taken: list[tuple[bytes, bool]] = []

        def take_one(body: bytes, again: bool, acknowledge: Callable[[], None]) -> None:
            taken.append((body, again))
            if body == b"a":
                acknowledge()

        first.consume("jobs", take_one)
        for body in (b"a", b"b", b"c"):
            await producer.push("jobs", body)
        await asyncio.sleep(LONG_S)
        first.close()
        await asyncio.sleep(LONG_S)
        second = await client(agents, running)
        second.consume("jobs", take_one)
        await asyncio.sleep(LONG_S)
        assert taken == [(b"a", False), (b"b", False), (b"c", False), (b"b", True), (b"c", True)]

    agents.run(program())


def test_a_slow_consumer_holds_back_no_more_than_its_share(agents: AgentsWorld) -> None:
    async def program() -> None:
        running = broker(agents, BrokerConfig(unacknowledged_max=2))
        producer, slow = await client(agents, running), await client(agents, running)
        held: list[Callable[[], None]] = []
        slow.consume("jobs", lambda body, again, acknowledge: held.append(acknowledge))
        for number in range(5):
            await producer.push("jobs", b"%d" % number)
        await asyncio.sleep(LONG_S)
        assert (len(held), len(running.queues["jobs"])) == (2, 3)
        held[0]()
        await asyncio.sleep(LONG_S)
        assert (len(held), len(running.queues["jobs"])) == (3, 2)

    agents.run(program())


def test_a_full_queue_refuses(agents: AgentsWorld) -> None:
    async def program() -> None:
        running = broker(agents, BrokerConfig(queue_messages_max=2))
        producer = await client(agents, running)
        assert [await producer.push("jobs", b"x") for _ in range(3)] == [True, True, False]

    agents.run(program())


@pytest.mark.parametrize(
    ("config", "fewest", "most", "in_order"),
    [
        (BrokerConfig(), 200, 200, True),
        (BrokerConfig(drop=0.5), 60, 140, True),
        (BrokerConfig(duplicate=0.5), 260, 340, True),
        (BrokerConfig(reorder=0.5), 200, 200, False),
    ],
    ids=["honest", "drops", "duplicates", "reorders"],
)
def test_its_vices(agents: AgentsWorld, config: BrokerConfig, fewest: int, most: int, in_order: bool) -> None:
    async def program() -> list[bytes]:
        running = broker(agents, config)
        publisher, subscriber = await client(agents, running), await client(agents, running)
        heard: list[bytes] = []
        subscriber.subscribe("news", keeps(heard))
        await asyncio.sleep(LONG_S)
        for number in range(200):
            publisher.publish("news", b"%03d" % number)
        await asyncio.sleep(LONG_S)
        return heard

    heard = agents.run(program())
    assert fewest <= len(heard) <= most
    assert (heard == sorted(heard)) == in_order


def test_who_is_connected_to_nothing_is_told(agents: AgentsWorld) -> None:
    async def program() -> None:
        running = broker(agents)
        producer = await client(agents, running)
        pushing = asyncio.create_task(producer.push("jobs", b"lost on its way"))
        await asyncio.sleep(agents.network.delay_s(producer._host.index, BROKER_INDEX) / 2)
        running.go_down()
        with pytest.raises(BrokerLost):
            await pushing
        with pytest.raises(BrokerLost):
            producer.publish("news", b"x")
        refused = BrokerClient(attached(agents), running.endpoint)
        with pytest.raises(BrokerLost, match=r"10\.0\.0\.100"):
            await refused.connect()

    agents.run(program())
