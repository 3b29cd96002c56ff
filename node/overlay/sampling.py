"""A fresh look at the ports of a box that counts: ask strangers where they see this node, just before it matters.

Only somebody new makes the box give a port; peers that were talked to lately see the old one. Answers say which ports
are taken, so the next one is known, and they go to the other observations.
"""

from __future__ import annotations

from collections.abc import Callable

from ...dht.dht import Dht
from ...nat.observations import RUN
from ...nat.stun.attributes import mapped_address
from ...nat.stun.message import TRANSACTION_ID_BYTES, MessageClass, Method, StunMessage, encode
from ...nat.stun.transactions import TransactionConfig, Transactions
from ...wire.contact import Contact
from ...wire.endpoint import PUBLIC, Endpoint
from ...wire.errors import DecodeError
from ...wire.identity import NodeId
from .lines import LineTable
from .reach import Reach

FRESH_S = 20.0
"""Age of the latest observation up to which it is good enough. Raising it saves three packets a call and misses more
often."""

REPEAT_S = 180.0
"""When a stranger is one again: boxes have forgotten by then what was sent to him. Raising it runs out of strangers."""

CONTACTS_LOOKED_AT = 64
"""Contacts of the DHT among which strangers are sought."""


class Sampling:
    """Ask where this node is seen, if it is behind a box that counts."""

    def __init__(
        self,
        dht: Dht,
        lines: LineTable,
        reach: Reach,
        send: Callable[[bytes, Endpoint], None],
        entropy: Callable[[int], bytes],
    ) -> None:
        self._dht = dht
        self._lines = lines
        self._reach = reach
        self._send = send
        self._entropy = entropy
        self.on_done: Callable[[float], None] = lambda now: None
        """Told when all have answered or were given up."""
        self._asked: dict[NodeId, float] = {}
        self._transactions = Transactions(TransactionConfig())
        reach.answered = self._transactions.receive

    @property
    def under_way(self) -> bool:
        """Tell whether the next port is being found out; until then nothing should take one."""
        return len(self._transactions) > 0

    def next_port(self) -> int:
        """Return the port that the box gives next, as far as is known; 0 if it does not count, or just now."""
        if not self._reach.checks or self.under_way:
            return 0
        return self._reach.observations.next_port()

    def refresh(self, now: float) -> None:
        """Look again, unless that was done lately or is under way."""
        said = self._reach.observations
        if self.under_way or not said.step() or now - said.heard_at() < FRESH_S:
            return
        for contact in self._strangers(now)[:RUN]:
            self._asked[contact.node_id] = now
            request = StunMessage(Method.BINDING, MessageClass.REQUEST, self._entropy(TRANSACTION_ID_BYTES))
            packet = encode(request, fingerprint=False)
            self._transactions.ask(packet, contact.endpoint, now, self._taker(contact))
        self._flush()

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` is due."""
        return self._transactions.next_timeout()

    def handle_timeout(self, now: float) -> None:
        """Ask again, or give up."""
        self._transactions.handle_timeout(now)
        self._flush()

    def _strangers(self, now: float) -> list[Contact]:
        """Return contacts at large that nothing was sent to lately, so that what is sent to them takes a new port."""
        self._asked = {node_id: at for node_id, at in self._asked.items() if now - at < REPEAT_S}
        return [
            contact
            for contact in self._dht.contacts(CONTACTS_LOOKED_AT)
            if contact.endpoint.scope == PUBLIC
            and contact.node_id not in self._asked
            and self._lines.find(contact.node_id) is None
        ]

    def _taker(self, contact: Contact) -> Callable[[StunMessage | None, float], None]:
        def take(response: StunMessage | None, now: float) -> None:
            if response is not None and response.message_class is MessageClass.SUCCESS:
                try:
                    seen = mapped_address(response)
                except DecodeError:
                    self._reach.dropped["stun: no address in an answer"] += 1
                else:
                    self._reach.observations.note(contact.node_id, contact.endpoint, seen, now)
            if not self.under_way:
                self.on_done(now)

        return take

    def _flush(self) -> None:
        for packet, server in self._transactions.packets:
            self._send(packet, server)
        self._transactions.packets = []
