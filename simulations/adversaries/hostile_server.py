"""The answering side of a node that lies: takes requests as the honest server does, and answers as it likes."""

from __future__ import annotations

from collections.abc import Sequence

from ...dht.messages import (
    Changed,
    Digest,
    FindMany,
    FindNode,
    FindValue,
    Lacking,
    Listen,
    Listening,
    Nodes,
    Noted,
    Outcome,
    Ping,
    Pong,
    Reply,
    Request,
    Store,
    Stored,
    StoredMany,
    StoreMany,
    Values,
    ValuesMany,
    encode_within,
)
from ...dht.server import Answers
from ...dht.tokens import TOKEN_BYTES
from ...wire.contact import Contact

TOKEN = bytes(TOKEN_BYTES)
"""Good for every STORE: it has nothing to protect."""

LISTENING_S = 300
"""As long as an honest registration counts; nothing is ever pushed."""


class HostileServer:
    """Answer honestly but for what a subclass answers itself; `asked` counts the requests that came."""

    def __init__(self, honest: Answers) -> None:
        self.honest = honest
        self.asked = 0
        self.lies = 0
        """Answers that an honest node would not have given."""

    def reply(
        self, request_id: int, request: Request, sender: Contact, now: float, size_max: int
    ) -> bytes | None:
        """Return the answer, made up or honest."""
        self.asked += 1
        data = self.forge(request_id, request, sender, now, size_max)
        if data is None or len(data) > size_max:
            return self.honest.reply(request_id, request, sender, now, size_max)
        self.lies += 1
        return data

    def forge(
        self, request_id: int, request: Request, sender: Contact, now: float, size_max: int
    ) -> bytes | None:
        """Return the bytes of a false answer, or None for an honest one."""
        reply = self.false_reply(request, sender, now)
        return None if reply is None else encode_within(request_id, reply, size_max)

    def false_reply(self, request: Request, sender: Contact, now: float) -> Reply | None:
        """Return a false answer, or None for an honest one."""
        return None


class Accomplice(HostileServer):
    """Name nobody but accomplices, hold nothing, and claim to have stored everything."""

    def contacts_near(self, target: bytes, sender: Contact) -> Sequence[Contact]:
        """Return whom to name."""
        return ()

    def false_reply(self, request: Request, sender: Contact, now: float) -> Reply | None:
        """Answer each kind of request."""
        if isinstance(request, FindNode):
            return Nodes(TOKEN, self.contacts_near(request.target, sender))
        if isinstance(request, FindValue):
            return Values(TOKEN, 0, [], self.contacts_near(request.key, sender))
        if isinstance(request, FindMany):
            return ValuesMany(TOKEN, [])
        if isinstance(request, Store):
            return Stored(Outcome.STORED, 0)
        if isinstance(request, StoreMany):
            return StoredMany([(Outcome.STORED, 0)] * len(request.records))
        if isinstance(request, Digest):
            return Lacking()
        if isinstance(request, Listen):
            return Listening(Outcome.STORED, LISTENING_S)
        if isinstance(request, Changed):
            return Noted(0)
        assert isinstance(request, Ping)
        return Pong()
