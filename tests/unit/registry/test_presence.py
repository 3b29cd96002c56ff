from __future__ import annotations

import asyncio
from random import Random

import pytest

from mesh99.node.registry import Presence, PresenceConfig
from mesh99.wire.errors import AlreadyStarted, RegistryUnavailable, RemoteRejected

FAST = PresenceConfig(ttl_s=0.03, retry_s_min=0.01, retry_s_max=0.02, stop_timeout_s=0.2)


class Registry:
    """A registry in memory that can be down, forget, refuse, hang, and notes every call."""

    def __init__(self):
        self.calls = []
        self.rows = {}
        self.failure = None
        self.hangs = False
        self._count = 0

    async def _call(self, name):
        self.calls.append(name)
        if self.hangs:
            await asyncio.Event().wait()
        if self.failure is not None:
            raise self.failure

    async def register(self, packet):
        await self._call("register")
        self._count += 1
        uuid = f"u{self._count}"
        self.rows[uuid] = packet
        return uuid

    async def heartbeat(self, uuid):
        await self._call("heartbeat")
        return uuid in self.rows

    async def withdraw(self, uuid):
        await self._call("withdraw")
        return self.rows.pop(uuid, None) is not None


DOWN = RegistryUnavailable("http://r", "Connection refused")


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


class Agent:
    """A presence with the packet and the changes it reports."""

    def __init__(self, registry, config=FAST):
        self.packet = {"name": "a", "capabilities": []}
        self.changes = []
        self.presence = Presence(
            registry,
            lambda: self.packet,
            Random(7),
            config,
            on_change=lambda up, error: self.changes.append((up, error)),
        )

    async def __aenter__(self):
        await self.presence.start()
        return self

    async def __aexit__(self, *_):
        await self.presence.stop()


async def test_registers_gives_heartbeats_and_withdraws():
    registry = Registry()
    async with Agent(registry) as agent:
        await until(lambda: registry.calls.count("heartbeat") >= 3)
        assert registry.rows == {"u1": {"name": "a", "capabilities": [], "ttl": 0.03}}
        assert (agent.presence.up, agent.presence.uuid, agent.presence.error) == (True, "u1", None)
    assert registry.rows == {}
    assert registry.calls[0] == "register"
    assert registry.calls.count("register") == 1
    assert registry.calls[-1] == "withdraw"
    assert agent.changes == [(True, None)]
    assert agent.presence.uuid is None


async def test_heartbeats_go_out_at_a_third_of_the_ttl():
    registry = Registry()
    agent = Agent(registry, PresenceConfig(ttl_s=90.0))
    for _ in range(20):
        assert 27.0 <= await agent.presence._beat() <= 30.0
    agent.packet = {**agent.packet, "ttl": 30}
    assert 9.0 <= await agent.presence._beat() <= 10.0
    assert registry.rows[agent.presence.uuid]["ttl"] == 30


async def test_registers_again_when_the_registry_forgot():
    registry = Registry()
    async with Agent(registry) as agent:
        await until(lambda: agent.presence.uuid == "u1")
        registry.rows.clear()
        await until(lambda: agent.presence.uuid == "u2")
        assert list(registry.rows) == ["u2"]
    assert agent.changes == [(True, None)]


async def test_a_changed_packet_registers_again_and_leaves_no_old_row():
    registry = Registry()
    async with Agent(registry, PresenceConfig(ttl_s=3600.0)) as agent:
        await until(lambda: registry.rows)
        agent.packet = {"name": "b", "capabilities": []}
        agent.presence.changed()
        await until(lambda: [row["name"] for row in registry.rows.values()] == ["b"])
        assert agent.presence.uuid == "u2"


async def test_reports_down_and_up_once_each_and_keeps_trying():
    registry = Registry()
    registry.failure = DOWN
    async with Agent(registry) as agent:
        await until(lambda: len(registry.calls) >= 4)
        assert agent.changes == [(False, DOWN)]
        assert agent.presence.error is DOWN
        registry.failure = None
        await until(lambda: agent.presence.up)
        registry.failure = DOWN
        await until(lambda: not agent.presence.up)
        registry.failure = None
        await until(lambda: agent.presence.up)
    assert agent.changes == [(False, DOWN), (True, None)] * 2
    assert registry.calls.count("register") >= 4


async def test_an_outage_in_the_middle_needs_no_new_registration():
    registry = Registry()
    async with Agent(registry) as agent:
        await until(lambda: agent.presence.up)
        registry.failure = DOWN
        await until(lambda: not agent.presence.up)
        assert agent.presence.uuid == "u1"
        registry.failure = None
        await until(lambda: agent.presence.up)
        assert list(registry.rows) == ["u1"]


async def test_a_refused_packet_is_reported_and_tried_again():
    registry = Registry()
    registry.failure = RemoteRejected("400", "must be a string", "name")
    async with Agent(registry) as agent:
        await until(lambda: len(registry.calls) >= 2)
        assert agent.changes == [(False, registry.failure)]


async def test_the_back_off_doubles_with_jitter_up_to_its_limit():
    registry = Registry()
    registry.failure = DOWN
    agent = Agent(registry, PresenceConfig(retry_s_min=1.0, retry_s_max=60.0))
    delays = [await agent.presence._beat() for _ in range(2_000)]
    for failures, delay in enumerate(delays):
        longest = min(60.0, 2.0 ** min(failures, 60))
        assert longest / 2 <= delay <= longest
    assert len(set(delays[100:])) > 1_000
    registry.failure = None
    await agent.presence._beat()
    registry.failure = DOWN
    assert await agent.presence._beat() <= 1.0


async def test_stop_does_not_wait_for_a_dead_registry():
    for spoil in ({"failure": DOWN}, {"hangs": True}):
        registry = Registry()
        agent = Agent(registry)
        await agent.presence.start()
        await until(lambda: agent.presence.uuid == "u1")  # noqa: B023 - awaited within the turn
        vars(registry).update(spoil)
        async with asyncio.timeout(5):
            await agent.presence.stop()
        assert registry.calls[-1] in ("withdraw", "heartbeat")
        assert "withdraw" in registry.calls


async def test_stop_before_the_first_answer_withdraws_nothing():
    registry = Registry()
    registry.hangs = True
    async with Agent(registry):
        await until(lambda: registry.calls)
    assert registry.calls == ["register"]


async def test_starts_once_at_a_time_and_stops_any_number_of_times():
    registry = Registry()
    agent = Agent(registry)
    await agent.presence.stop()
    async with agent:
        with pytest.raises(AlreadyStarted):
            await agent.presence.start()
    await agent.presence.stop()
    async with agent:
        await until(lambda: agent.presence.up)
    assert registry.rows == {}
