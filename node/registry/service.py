"""Registry: the rules of who is listed (sans-IO but for its store; `now` is given).

  register   a signed node that is listed keeps its uuid, and its packet is replaced unless its sequence is
             lower; anybody else gets a new row and uuid at each call, as with Agent99
  heartbeat  another life for an agent with a ttl; unknown: 404, so that it registers again
  withdraw   by whoever knows the uuid, as with Agent99; a living node is back at its next heartbeat
  expire     the life of an agent without heartbeat ends at once; its row goes at the next sweep

It authenticates nobody: what is signed proves itself to the reader, and the rest is a hint.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import msgspec

from .config import RegistryConfig
from .packet import Packet, parse_packet
from .refusal import Refusal, unknown_agent
from .store import Agent, Store


class _NodeRow(msgspec.Struct, omit_defaults=True):
    """What a bootstrap list needs of a packet, in the packet's own form."""

    uuid: str
    p2p: msgspec.Raw
    name: str = ""


_node_rows = msgspec.json.Decoder(_NodeRow)


class Registry:
    """Apply the rules to a store. Every method may raise Refusal, and sqlite3.Error when the disk fails."""

    def __init__(
        self, store: Store, config: RegistryConfig, random: Random, new_uuid: Callable[[], str]
    ) -> None:
        self._store = store
        self._config = config
        self._random = random
        self._new_uuid = new_uuid

    def register(self, body: bytes, now: float) -> str:
        """List the agent whose info packet is `body`; give its uuid."""
        packet = parse_packet(body, self._config)
        known = packet.signed and self._store.version_of(packet.signed.node_id.text, now)
        if known:
            return self._replace(packet, *known, now)
        self._store.expire(now)
        self._require_room(packet, now)
        uuid = self._new_uuid()
        self._store.add(_agent(packet, uuid), now)
        return uuid

    def heartbeat(self, uuid: str, now: float) -> None:
        """Give an agent another life."""
        if not self._store.touch(uuid, now):
            raise unknown_agent(uuid)

    def withdraw(self, uuid: str) -> None:
        """Forget an agent."""
        if not self._store.remove(uuid):
            raise unknown_agent(uuid)

    def agent_count(self, now: float) -> int:
        """Count the living."""
        return self._store.count(now)

    def agents(self, after: int, now: float) -> list[tuple[int, str]]:
        """Give one page of (number, packet) behind `after`; shorter than `page_rows` at the end."""
        return self._store.page(after, self._config.page_rows, now)

    def discover(self, capability: str, after: int, now: float) -> list[tuple[int, str]]:
        """Give one page of the agents that offer exactly `capability`, in any case."""
        return self._store.page_of(capability.lower(), after, self._config.page_rows, now)

    def nodes(self, limit: int, now: float) -> list[bytes]:
        """Draw up to `limit` signed nodes among the freshest.

        The draw spreads the load of newcomers and keeps whoever heartbeats fastest from filling the list.
        """
        if limit < 1:
            raise Refusal(400, "must be at least 1", "limit")
        pool = self._store.freshest_nodes(self._config.nodes_pool, now)
        chosen = self._random.sample(pool, min(limit, self._config.nodes_max, len(pool)))
        return [_node_row(self._store.packet(number)) for number in chosen]

    def node(self, name: str, now: float) -> bytes:
        """Give the signed node with this node id or uuid."""
        packet = self._store.node(name, now)
        if packet is None:
            raise Refusal(404, f"Node {name} not found.")
        return _node_row(packet)

    def expire(self, now: float) -> list[str]:
        """Remove whose life is over; give their uuids."""
        return self._store.expire(now)

    def _replace(self, packet: Packet, uuid: str, sequence: int, now: float) -> str:
        agent = _agent(packet, uuid)
        if agent.sequence is None or agent.sequence < sequence:
            raise Refusal(
                409, f"has sequence {agent.sequence}, older than the listed {sequence}", "p2p.record"
            )
        self._store.replace(agent, now)
        return uuid

    def _require_room(self, packet: Packet, now: float) -> None:
        if self._store.count(now) >= self._config.agents_max:
            raise Refusal(429, f"the registry holds its limit of {self._config.agents_max} agents")
        lasting_max = self._config.lasting_agents_max
        if packet.ttl_s is None and self._store.count_lasting() >= lasting_max:
            raise Refusal(429, f"the registry holds its limit of {lasting_max} agents without a ttl")


def _agent(packet: Packet, uuid: str) -> Agent:
    signed = packet.signed
    return Agent(
        uuid=uuid,
        packet=packet.encode(uuid),
        capabilities=packet.capabilities,
        node_id=None if signed is None else signed.node_id.text,
        sequence=None if signed is None else signed.record.sequence,
        ttl_s=packet.ttl_s,
    )


def _node_row(packet: str) -> bytes:
    return msgspec.json.encode(_node_rows.decode(packet))
