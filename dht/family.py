"""The DHT of one address family: a table, requests and upkeep of its own.

A node that speaks IPv4 and IPv6 takes part in two, with one id and one store (BEP 32). The nearest nodes that an
IPv4-only node can reach are others than those of an IPv6-only node; one table for both would fill its buckets, and
its answers, with contacts that whoever asks cannot use.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ..wire.contact import Contact
from ..wire.endpoint import NOWHERE
from ..wire.identity import NodeId
from .evicted import Evicted
from .greeting import Greeting
from .handover import Handover
from .liveness import Liveness
from .maintenance import Maintenance
from .repair import Repair
from .search import Context


class Family:
    """One of them; `look_up(context, target, now)` starts a lookup in it that nobody waits for."""

    __slots__ = ("_greeting", "_handover", "context", "evicted", "liveness", "maintenance", "repair")

    def __init__(self, context: Context, look_up: Callable[[Context, bytes, float], None]) -> None:
        self.context = context
        self.liveness = Liveness(context)
        self.maintenance = Maintenance(context, partial(look_up, context))
        self.evicted = Evicted(context, partial(look_up, context, context.own_id))
        self._greeting = Greeting(context)
        self._handover = Handover(context)
        self.repair = Repair(context)
        context.table.on_member = self.liveness.watch

    def verified(self, contact: Contact, now: float) -> None:
        """Note an authenticated round trip with a contact, unless others could not reach it where it was met."""
        self.context.rpc.counts.ephemeral += contact.ephemeral
        if contact.scope == NOWHERE or self.context.standings.is_low(contact.node_id, now):
            return
        self.evicted.back(contact.node_id)
        self._greeting.met(now)
        if self.context.table.verified(contact, now):
            self.maintenance.joined(now)
            self._handover.joined(contact, now)

    def failed(self, contact: Contact, now: float) -> None:
        """Note that a contact gave no answer: look again, soon if it stays in the table, else now and then."""
        entry = self.context.table.find(contact.node_id)
        evicted = self.context.table.failed(contact.node_id)
        if entry is None:
            return
        if evicted:
            self.evicted.add(entry, now)
            self.repair.lost(contact, now)
        else:
            self.liveness.look_again(entry)

    def unreachable(self, node_id: NodeId, now: float) -> None:
        """Note that there is no way to a peer: what it was asked fails, else it is pinged."""
        if not self.context.rpc.unreachable(node_id, now):
            self.liveness.doubt(node_id, now)
