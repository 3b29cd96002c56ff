"""Find out how the box in front maps and filters by asking one STUN server (RFC 5780, section 4).

Mapping: the same socket asks the server at its other address, and there at its other port. Filtering: the server is
asked to answer from its other address, then from its other port. A server without another address tells no more than
where it sees the asker.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...wire.endpoint import Endpoint
from ...wire.errors import DecodeError
from ..behaviour import Filtering, Mapping
from .attributes import Attribute, decode_address, mapped_address
from .binding import CHANGE_IP, CHANGE_PORT
from .message import TRANSACTION_ID_BYTES, MessageClass, Method, StunMessage, encode
from .transactions import TransactionConfig, Transactions


@dataclass(slots=True)
class Discovered:
    """What the server's answers say."""

    observed: list[Endpoint]
    """Where the server's addresses saw the asker, in the order in which they were asked."""
    mapping: Mapping = Mapping.UNKNOWN
    filtering: Filtering = Filtering.UNKNOWN
    other: Endpoint | None = None
    """The server's other address; None when it has none, or names one that is of no use."""


class Discovery:
    """Ask one server, step by step; the owner moves packets. `own` is the socket's own endpoint."""

    def __init__(self, server: Endpoint, own: Endpoint, entropy: Callable[[int], bytes], now: float) -> None:
        self._server = server
        self._own = own
        self._entropy = entropy
        self.transactions = Transactions(TransactionConfig())
        self.found = Discovered([])
        self.is_over = False
        self._ask(server, now, self._seen)

    def _seen(self, response: StunMessage | None, now: float) -> None:
        seen = observed(response)
        if response is None or seen is None:
            self.is_over = True
            return
        self.found.observed.append(seen)
        if seen == self._own:
            self.found.mapping = Mapping.NONE
        self.found.other = other = other_address(response, self._server)
        if other is None:
            self.is_over = True
        else:  # before the other address is sent to: that would let its answers in
            self._ask(self._server, now, self._filtered, CHANGE_IP | CHANGE_PORT, other)

    def _filtered(self, response: StunMessage | None, now: float) -> None:
        came = response is not None and response.message_class is MessageClass.SUCCESS
        if came or response is None:
            self.found.filtering = Filtering.ENDPOINT_INDEPENDENT if came else Filtering.DEPENDENT
        other = self.found.other
        assert other is not None  # else this was not asked
        self._ask(other, now, self._mapped)

    def _mapped(self, response: StunMessage | None, now: float) -> None:
        self.is_over = True
        seen = observed(response)
        if seen is None:
            return
        self.found.observed.append(seen)
        if seen != self.found.observed[0]:
            self.found.mapping = Mapping.ADDRESS_AND_PORT_DEPENDENT
        elif self.found.mapping is Mapping.UNKNOWN:
            self.found.mapping = Mapping.ENDPOINT_INDEPENDENT

    def _ask(
        self,
        server: Endpoint,
        now: float,
        done: Callable[[StunMessage | None, float], None],
        change: int = 0,
        answers_from: Endpoint | None = None,
    ) -> None:
        attributes = ((int(Attribute.CHANGE_REQUEST), change.to_bytes(4, "big")),) if change else ()
        transaction_id = self._entropy(TRANSACTION_ID_BYTES)
        request = StunMessage(Method.BINDING, MessageClass.REQUEST, transaction_id, attributes)
        self.transactions.ask(encode(request), server, now, done, answers_from=answers_from)


def observed(response: StunMessage | None) -> Endpoint | None:
    """Return where the server saw the asker; None when it does not say, or names no place."""
    if response is None or response.message_class is not MessageClass.SUCCESS:
        return None
    try:
        seen = mapped_address(response)
    except DecodeError:
        return None
    return seen if seen.is_usable else None


def other_address(response: StunMessage, server: Endpoint) -> Endpoint | None:
    """Return the server's other address, if it is one: another ip of the same family, no nearer than the server."""
    value = response.find(Attribute.OTHER_ADDRESS)
    if value is None:
        return None
    try:
        other = decode_address(value)
    except DecodeError:
        return None
    fits = other.is_usable and other.family == server.family and other.scope >= server.scope
    return other if fits and other.host != server.host and other.port != server.port else None
