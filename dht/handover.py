"""Handing records to nodes that have come nearer to a key than others.

When a contact joins the table, each record whose replicas it belongs to goes to it, from the nearest holder and the
one after it only (two, because one may have died unnoticed). Joins are collected for a moment, so that a burst of them
is one pass over the store. The age travels along, so a hand-over never prolongs a life.
"""

from __future__ import annotations

from ..wire.contact import Contact
from ..wire.identity import NodeId
from .batch import datagrams
from .distance import number_of
from .messages import FindNode, Nodes, Reply, StoreMany
from .rpc import INDIFFERENT, Pending
from .search import Context
from .store import Held

GIVERS = 2


class Gift:
    """Records for one newcomer: asks for a write token, then stores them all, as many as fit in each datagram."""

    __slots__ = ("_context", "_records", "contact")

    def __init__(self, context: Context, contact: Contact) -> None:
        self.contact = contact
        self._context = context
        self._records: list[Held] = []

    def add(self, held: Held) -> None:
        """Add a record."""
        self._records.append(held)

    def send(self, now: float) -> None:
        """Begin, if there is anything to give."""
        if self._records:
            self._context.rpc.ask(self.contact, FindNode(self._context.own_id), self, now)

    def answered(self, pending: Pending, reply: Reply, now: float) -> None:
        """Store with the token that came."""
        if isinstance(reply, Nodes):
            aged = [(held.age_s(now), held.record.encode()) for held in self._records]
            for page in datagrams(aged):
                self._context.rpc.ask(pending.contact, StoreMany(reply.token, page), INDIFFERENT, now)

    def slow(self, pending: Pending, now: float) -> None:
        """Wait on."""

    def failed(self, pending: Pending, now: float) -> None:
        """Give nothing: who does not answer is no replica."""


class Handover:
    """The newcomers of the last moment and what is due to them."""

    __slots__ = ("_context", "_newcomers")

    def __init__(self, context: Context) -> None:
        self._context = context
        self._newcomers: dict[NodeId, Contact] = {}

    def joined(self, contact: Contact, now: float) -> None:
        """Note a new contact of the table."""
        if not len(self._context.store):
            return
        if not self._newcomers:
            self._context.timers.at(now + self._context.config.handover_delay_s, self._run)
        self._newcomers[contact.node_id] = contact

    def _run(self, now: float) -> None:
        context = self._context
        context.store.expire(now)
        gifts = {node_id: Gift(context, contact) for node_id, contact in self._newcomers.items()}
        self._newcomers = {}
        left = context.config.handovers_max
        for key, records in context.store.by_key():
            for node_id in self._due(key, gifts):
                for held in records[:left]:
                    gifts[node_id].add(held)
                left -= min(left, len(records))
        for gift in gifts.values():
            gift.send(now)

    def _due(self, key: bytes, gifts: dict[NodeId, Gift]) -> list[NodeId]:
        """Return the newcomers that belong to the replicas of a key, if it is on us to give."""
        context = self._context
        target = number_of(key)
        replicas = context.table.nearest(target, context.config.value_replicas)
        due = [contact.node_id for contact in replicas if contact.node_id in gifts]
        own_distance = number_of(context.own_id) ^ target
        nearer = [
            contact
            for contact in replicas
            if contact.node_id not in gifts and number_of(contact.node_id) ^ target < own_distance
        ]
        return due if len(nearer) < GIVERS else []
