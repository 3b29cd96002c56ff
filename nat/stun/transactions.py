"""Requests under way to STUN servers: who was asked what, when to ask again, and whose answer counts.

An answer counts when its transaction id was asked for and it comes from the endpoint that was asked: ids are 96 random
bits, but a server that was never asked has no business to answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from ...wire.endpoint import Endpoint
from .message import MessageClass, StunMessage

Done: TypeAlias = Callable[[StunMessage | None, float], None]
"""Told the response (None: none came) and the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionConfig:
    """Say how long to ask."""

    resend_s: tuple[float, ...] = (0.1, 0.3, 0.7, 1.5)
    """When a request is sent again, seconds after the first. RFC 8489 begins with 500 ms, which is slow where a person
    or a punch waits; the doubling steps keep it polite. Raising the number finds answers over lossier ways."""

    timeout_s: float = 3.0
    """When an answer is waited for no more. Raising it lets dead servers hold a place longer."""

    transactions_max: int = 64
    """Requests under way; further ones fail at once. Raising it costs about 300 bytes each."""


@dataclass(slots=True)
class _Transaction:
    packet: bytes
    server: Endpoint
    done: Done
    started_at: float
    answers_from: Endpoint
    sent: int = 1


class Transactions:
    """Ask and wait, without sockets and clock."""

    __slots__ = ("_config", "_transactions", "packets")

    def __init__(self, config: TransactionConfig) -> None:
        self._config = config
        self._transactions: dict[bytes, _Transaction] = {}
        self.packets: list[tuple[bytes, Endpoint]] = []
        """What is to be sent; the owner takes it out."""

    def __len__(self) -> int:
        return len(self._transactions)

    def ask(
        self, packet: bytes, server: Endpoint, now: float, done: Done, *, answers_from: Endpoint | None = None
    ) -> None:
        """Send an encoded request until it is answered or its time is over.

        `answers_from` is where the answer comes from when the request asks for another place (RFC 5780).
        """
        if len(self._transactions) >= self._config.transactions_max:
            done(None, now)
            return
        self._transactions[packet[8:20]] = _Transaction(packet, server, done, now, answers_from or server)
        self.packets.append((packet, server))

    def receive(self, response: StunMessage, source: Endpoint, now: float) -> bool:
        """Take a response; False when it answers nothing that was asked there."""
        if response.message_class not in (MessageClass.SUCCESS, MessageClass.ERROR):
            return False
        transaction = self._transactions.get(response.transaction_id)
        if transaction is None:
            return False
        # Who refuses to answer from elsewhere says so from where it was asked.
        refused = response.message_class is MessageClass.ERROR and source == transaction.server
        if source != transaction.answers_from and not refused:
            return False
        del self._transactions[response.transaction_id]
        transaction.done(response, now)
        return True

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` is due."""
        return min((self._due_at(each) for each in self._transactions.values()), default=None)

    def handle_timeout(self, now: float) -> None:
        """Send again what is due, and give up what was asked too long."""
        for transaction_id, transaction in list(self._transactions.items()):
            if now >= transaction.started_at + self._config.timeout_s:
                del self._transactions[transaction_id]
                transaction.done(None, now)
            elif now >= self._due_at(transaction):
                transaction.sent += 1
                self.packets.append((transaction.packet, transaction.server))

    def _due_at(self, transaction: _Transaction) -> float:
        resend_s = self._config.resend_s
        again = transaction.sent <= len(resend_s)
        return transaction.started_at + (resend_s[transaction.sent - 1] if again else self._config.timeout_s)
