"""Watch a capability or a key: what there is, then each change, pushed by the holders (dht/listen.py).

An agent comes with its first record, changes when it says something else of the capability, and goes when it withdraws
its record or lets it end; renewals are not told. One that comes to meet the conditions of a watch comes there, one that
no longer does goes. A watch registers when it is first read and cancels itself when its reader stops.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import TypeVar

from ..dht.dht import Dht
from ..dht.listen import Change
from ..wire.errors import DecodeError
from ..wire.identity import PublicKey
from ..wire.node_record import NodeRecord
from ..wire.record import capability_key
from .conditions import Conditions
from .config import NodeConfig
from .event_queue import EventQueue
from .keys import own_place
from .ports import Clock
from .results import AgentEvent, ValueEvent

T = TypeVar("T")

EVERYBODY = Conditions()


class Watches:
    """All that this node watches."""

    def __init__(self, dht: Dht, clock: Clock, config: NodeConfig, kick: Callable[[], None]) -> None:
        self._dht = dht
        self._clock = clock
        self._pending_max = config.pending_events_max
        self._kick = kick
        self._closers: set[Callable[[], None]] = set()
        self._closed = False

    def agents(self, capability: str, where: Conditions) -> AsyncGenerator[AgentEvent, None]:
        """Iterate over the agents that come, change and go.

        Raise QueueFull at the first step when too much is watched.
        """
        return self._watch(capability_key(capability.lower()), Agents(where).event)

    def values(self, key: str) -> AsyncGenerator[ValueEvent, None]:
        """Iterate over the values that come, change and go; raises QueueFull as `agents` does."""
        return self._watch(own_place(key), SignedValues().event)

    def close(self) -> None:
        """End every reader's iteration."""
        self._closed = True
        for close in self._closers:
            close()

    async def _watch(self, key: bytes, event_of: Callable[[Change], T | None]) -> AsyncGenerator[T, None]:
        queue: EventQueue[T] = EventQueue(self._pending_max)

        def told(change: Change) -> None:
            event = event_of(change)
            if event is not None:
                queue.add(event)

        if self._closed:
            return
        listening = self._dht.listen(key, self._clock.now(), told)
        self._closers.add(queue.close)
        self._kick()
        try:
            while (event := await queue.next()) is not None:
                yield event
        finally:
            self._closers.discard(queue.close)
            listening.cancel()


class Agents:
    """The live agents of one watch, to tell coming from renewal, and who it was that went."""

    def __init__(self, where: Conditions = EVERYBODY) -> None:
        self._where = where
        self._live: dict[PublicKey, NodeRecord] = {}

    def event(self, change: Change) -> AgentEvent | None:
        """Return what a change means to the reader."""
        owner = change.record.owner
        agent = _node_record(change)
        before = self._live.pop(owner, None)
        if agent is not None and self._where.fit(agent.attributes):
            self._live[owner] = agent
            return _agent_event(before, agent)
        return None if before is None else AgentEvent(kind="gone", agent=before)


def _agent_event(before: NodeRecord | None, agent: NodeRecord) -> AgentEvent | None:
    if before is None:
        return AgentEvent(kind="came", agent=agent)
    return AgentEvent(kind="changed", agent=agent) if before.attributes != agent.attributes else None


def _node_record(change: Change) -> NodeRecord | None:
    try:
        return NodeRecord.from_record(change.record) if change.live else None
    except DecodeError:
        return None


class SignedValues:
    """The live values of one watch, one of each signer."""

    def __init__(self) -> None:
        self._live: dict[PublicKey, bytes] = {}

    def event(self, change: Change) -> ValueEvent | None:
        """Return what a change means to the reader."""
        owner, value = change.record.owner, change.record.value
        before = self._live.pop(owner, None)
        if not change.live:
            return None if before is None else _value_event("gone", before, owner)
        self._live[owner] = value
        if value == before:
            return None
        return _value_event("came" if before is None else "changed", value, owner)


def _value_event(kind: str, value: bytes, owner: PublicKey) -> ValueEvent:
    return ValueEvent(kind=kind, value=value.decode(errors="replace"), owner=owner.node_id.text)
