"""Meeting everybody of a small network, so that what is stored there takes one round trip from the first time on.

A join finds our neighbours, and of the others as many as the far buckets are short of. With 50 nodes two or three of
the eight replicas of a key are strangers after it: each costs a handshake while a put waits, and as many again a round
trip for a write token. So a while after we came, if the network seems small, we ask who lives in each quarter of the id
space; and if these are few, all whose token is not at hand for one. It is done once in a life: whoever comes later
meets us in the same way. In a large network nobody could keep lines to all, and use decides who is met.

Nor are those met who are at large, at public addresses: there a node needs strangers, to find out whether its box lets
them in and which port it gives next (node/overlay/reach.py, sampling.py). And who comes for a minute meets nobody.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..wire.contact import Contact
from ..wire.endpoint import PUBLIC
from ..wire.identity import NodeId
from .distance import ID_BITS, number_of
from .messages import FindNode, Nodes, Reply
from .rpc import Pending
from .scope import believable
from .search import Context
from .statistics import size_estimate

QUARTERS = 4
"""Of a network of 64 nodes 16 live in each; an answer names a bucket of 20."""

WITNESSES = 2
"""How many are asked about each quarter: one alone may not have met all who live there."""

DOUBT_TIMES = 2
"""How much larger than small a network may seem for a look at it: nine of ten estimates are below 1.9 times as many."""

JITTER = 0.5  # of the wait


class Greeting:
    """One node's round of greetings in one address family."""

    __slots__ = ("_context", "_is_planned", "_known", "_left")

    def __init__(self, context: Context) -> None:
        self._context = context
        self._is_planned = context.config.greeted_max == 0 or context.config.ephemeral
        self._known: dict[NodeId, Contact] | None = None
        """Everybody heard of, while witnesses are asked."""
        self._left: list[tuple[Contact, FindNode]] = []

    def met(self, now: float) -> None:
        """Note that somebody is there, whom we may know of an earlier life."""
        if not self._is_planned:
            self._is_planned = True
            # Nodes that started together should not greet each other at the same time.
            wait_s = self._context.config.greet_after_s * self._context.random.uniform(1.0, 1.0 + JITTER)
            self._context.timers.at(now + wait_s, self._look)

    def answered(self, pending: Pending, reply: Reply, now: float) -> None:
        """Keep the token, and whom a witness names."""
        assert isinstance(reply, Nodes)
        context = self._context
        context.tokens.note(pending.contact.node_id, reply.token, now)
        if self._known is not None:
            named = believable(reply.contacts, pending.contact, context.family)
            self._known |= {contact.node_id: contact for contact in named}
        self._go_on(now)

    def slow(self, pending: Pending, now: float) -> None:
        """Go on waiting: nobody waits for us."""

    def failed(self, pending: Pending, now: float) -> None:
        """Do without."""
        self._go_on(now)

    def _look(self, now: float) -> None:
        if size_estimate(self._context) <= DOUBT_TIMES * self._context.config.greeted_max:
            self._ask_witnesses(now)

    def _ask_witnesses(self, now: float) -> None:
        context, table = self._context, self._context.table
        self._known = {entry.contact.node_id: entry.contact for entry in table}
        for quarter in range(QUARTERS):
            target = number_of(context.own_id) ^ quarter << ID_BITS - 2
            asked_for = target.to_bytes(ID_BITS // 8, "big")
            question = FindNode(asked_for, context.config.bucket_size, context.asks)
            witnesses = self._fit(table.nearest(target, WITNESSES), now)
            self._left += [(witness, question) for witness in witnesses]
        self._go_on(now)

    def _go_on(self, now: float) -> None:
        """Ask one after the other: there is time, and how long an answer takes of an idle network is worth knowing."""
        if not self._left:
            self._greet(now)
        if self._left:
            contact, request = self._left.pop()
            self._context.rpc.ask(contact, request, self, now)

    def _greet(self, now: float) -> None:
        """Ask everybody for a token whose token is not at hand, unless they are too many."""
        context, known = self._context, self._known or {}
        self._known = None
        known.pop(context.own_id, None)
        if len(known) < context.config.greeted_max:
            request = FindNode(context.own_id, 1, context.asks)
            fit = self._fit(known.values(), now)
            self._left = [(each, request) for each in fit if not context.tokens.fresh(each.node_id, now)]

    def _fit(self, contacts: Iterable[Contact], now: float) -> list[Contact]:
        """Return those who may be asked: not at large, nor failed lately, nor of low standing."""
        context = self._context
        near = context.rpc.timing.not_avoided([each for each in contacts if each.scope < PUBLIC], now)
        return context.standings.without_low(near, now)
