"""What nodes say to each other about ways, in NAT frames: MessagePack arrays `[kind, fields...]`.

    1  Reserve                                     end -> relay: let others reach me through you
    2  Reserved    life in seconds, 0: refused     relay -> end
    3  Open        circuit, node id 32             end -> relay: a way to a node that has reserved
    4  Opened      circuit, endpoint               relay -> end: it stands; where the relay sees the other end
    5  Refused     circuit, reason                 relay -> end
    6  Incoming    circuit, endpoint               relay -> end: somebody opened a way to you; where the relay sees him
    7  Closed      circuit                         either way
    8  CallBack    token 12, port                  let somebody I never met send this to me, where you see me
    9  Deliver     token 12, endpoint              send this there, as the id of a STUN Binding indication
    10 Candidates  endpoints, kind, next port, step   between two ends, over their line: where I may be met
    11 Search                                      hard end -> easy end: my sockets have knocked, look for them
    12 Expect      token 12                        somebody will send you this: tell me from where
    13 Prove       token 12, endpoint              between two ends: send this there, so that I know where you are
    14 Witnessed   token 12, endpoint              it came from there
    16 Through     contacts of relays, at most 3   whoever is at the other end: I can be reached through these, too
    20 Reached     1 or 0                          strangers reach me, or do not: what the handshake said has changed

CallBack names a port and no address, so that nothing can be aimed at others with it; port 0 is the one that is seen.

A circuit is numbered by who begins it, on each of its two sessions apart: by the opening end with even numbers, by the
relay towards the other end with odd ones. RELAYED frames carry that number times two, and one more on the way from the
relay to an end, so that two nodes may serve each other over one session.

The kind of Candidates is 0 unknown, 1 open, 2 easy, 3 hard (nat/behaviour.py); next port and step are those of a box
that counts its ports up, else 0. Its endpoints are proposals: nat/candidates.py decides which of them are knocked at.

Longer arrays are read, their tail ignored; an unknown kind is dropped.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple, TypeAlias

from ..wire.codec import Reader, pack, unpack
from ..wire.contact import Contact
from ..wire.endpoint import Endpoint
from ..wire.errors import DecodeError
from ..wire.identity import NodeId
from .behaviour import NatKind
from .observations import STEP_MAX

CIRCUIT_MAX = 2**31 - 1
LIFE_S_MAX = 24 * 3600
RELAYS_MAX = 3
"""As many as a node record names."""

TOKEN_BYTES = 12
"""As long as the id of a STUN transaction."""

CANDIDATES_MAX = 8
"""Endpoints that one node may propose; those of its machine, and where it is seen."""

NAT_KINDS = (NatKind.UNKNOWN, NatKind.OPEN, NatKind.EASY, NatKind.HARD, NatKind.BLOCKED)
"""By their number."""

_WHAT = "nat message"


class Reason(IntEnum):
    """Why a circuit was refused."""

    NO_RESERVATION = 1
    TOO_MANY = 2
    NOT_SERVING = 3


class Reserve(NamedTuple):
    """Ask to be reachable through this relay."""


class Reserved(NamedTuple):
    """Say for how long, 0 for not at all."""

    life_s: int


class Open(NamedTuple):
    """Ask for a circuit to a node."""

    circuit: int
    target: NodeId


class Opened(NamedTuple):
    """Say that a circuit stands, and where its other end is seen."""

    circuit: int
    endpoint: Endpoint


class Refused(NamedTuple):
    """Say that there will be no circuit."""

    circuit: int
    reason: int


class Incoming(NamedTuple):
    """Announce a circuit that somebody else opened, and where he is seen."""

    circuit: int
    endpoint: Endpoint


class Closed(NamedTuple):
    """Say that a circuit is no more."""

    circuit: int


class CallBack(NamedTuple):
    """Ask for a packet from a stranger."""

    token: bytes
    port: int = 0


class Deliver(NamedTuple):
    """Ask to be that stranger."""

    token: bytes
    endpoint: Endpoint


class Candidates(NamedTuple):
    """Say where the other end of a line may meet this one, and what is in front of it."""

    endpoints: tuple[Endpoint, ...]
    kind: NatKind = NatKind.UNKNOWN
    next_port: int = 0
    step: int = 0

    def pack(self) -> list[object]:
        """Return its fields as they are written."""
        endpoints = [endpoint.pack() for endpoint in self.endpoints]
        return [endpoints, NAT_KINDS.index(self.kind), self.next_port, self.step]


class Search(NamedTuple):
    """Ask an easy end to look for the sockets of this hard one."""


class Expect(NamedTuple):
    """Ask a witness from where a token comes."""

    token: bytes


class Prove(NamedTuple):
    """Ask the other end of a line to send a token to a witness."""

    token: bytes
    endpoint: Endpoint


class Witnessed(NamedTuple):
    """Say from where a token came."""

    token: bytes
    endpoint: Endpoint


class Reached(NamedTuple):
    """Say whether strangers reach this node."""

    by_strangers: int


class Through(NamedTuple):
    """Say through whom the sender can be reached when the way in use ends."""

    relays: tuple[Contact, ...]


RelayMessage: TypeAlias = Reserve | Reserved | Open | Opened | Refused | Incoming | Closed
PairMessage: TypeAlias = Candidates | Search | Through
ProofMessage: TypeAlias = Expect | Prove | Witnessed
NatMessage: TypeAlias = RelayMessage | CallBack | Deliver | PairMessage | ProofMessage | Reached

_KINDS: dict[type[NatMessage], int] = {
    Reserve: 1,
    Reserved: 2,
    Open: 3,
    Opened: 4,
    Refused: 5,
    Incoming: 6,
    Closed: 7,
    CallBack: 8,
    Deliver: 9,
    Candidates: 10,
    Search: 11,
    Expect: 12,
    Prove: 13,
    Witnessed: 14,
    Through: 16,
    Reached: 20,
}
_TYPES = {kind: message for message, kind in _KINDS.items()}


def encode(message: NatMessage) -> bytes:
    """Return the bytes of a message."""
    if isinstance(message, Candidates):
        return pack([_KINDS[Candidates], *message.pack()])
    if isinstance(message, Through):
        return pack([_KINDS[Through], b"".join(relay.pack() for relay in message.relays)])
    fields = [field.pack() if isinstance(field, Endpoint) else field for field in message]
    return pack([_KINDS[type(message)], *fields])


def decode(data: bytes) -> NatMessage:
    """Read a message; raises DecodeError."""
    fields = unpack(data, _WHAT)
    if type(fields) is not list or not fields:
        raise DecodeError(_WHAT, "no array")
    kind, rest = fields[0], fields[1:]
    message = _TYPES.get(kind) if type(kind) is int else None
    if message is None:
        raise DecodeError(_WHAT, "unknown kind")
    if len(rest) < len(message._fields):
        raise DecodeError(_WHAT, "too few fields")
    if message is Reserve or message is Search:
        return message()
    if message is Candidates:
        return _candidates(rest)
    if message is CallBack:
        return CallBack(_bytes(rest[0], TOKEN_BYTES), _number(rest[1], 65_535))
    if message is Deliver or message is Prove or message is Witnessed:
        return message(_bytes(rest[0], TOKEN_BYTES), _endpoint(rest[1]))
    if message is Expect:
        return Expect(_bytes(rest[0], TOKEN_BYTES))
    if message is Reached:
        return Reached(_number(rest[0], 1))
    if message is Through:
        return Through(_contacts(rest[0]))
    number = _number(rest[0], LIFE_S_MAX if message is Reserved else CIRCUIT_MAX)
    if message is Reserved or message is Closed:
        return message(number)
    if message is Refused:
        return Refused(number, _number(rest[1], 255))
    if message is Open:
        return Open(number, NodeId(_bytes(rest[1], 32)))
    return Opened(number, _endpoint(rest[1])) if message is Opened else Incoming(number, _endpoint(rest[1]))


def _candidates(fields: list[object]) -> Candidates:
    endpoints, kind = fields[0], NAT_KINDS[_number(fields[1], len(NAT_KINDS) - 1)]
    if type(endpoints) is not list or len(endpoints) > CANDIDATES_MAX:
        raise DecodeError(_WHAT, "no list in bounds")
    places = tuple(_endpoint(endpoint) for endpoint in endpoints)
    return Candidates(places, kind, _number(fields[2], 65_535), _number(fields[3], STEP_MAX))


def _number(value: object, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise DecodeError(_WHAT, "no number in bounds")
    return value


def _bytes(value: object, size: int) -> bytes:
    if type(value) is not bytes or len(value) != size:
        raise DecodeError(_WHAT, f"no {size} bytes")
    return value


def _contacts(value: object) -> tuple[Contact, ...]:
    if type(value) is not bytes:
        raise DecodeError(_WHAT, "no contacts")
    reader = Reader(value, _WHAT)
    contacts: list[Contact] = []
    while reader.offset < len(value):
        if len(contacts) == RELAYS_MAX:
            raise DecodeError(_WHAT, "too many contacts")
        contacts.append(Contact.unpack(reader))
    return tuple(contacts)


def _endpoint(value: object) -> Endpoint:
    if type(value) is not bytes:
        raise DecodeError(_WHAT, "no endpoint")
    reader = Reader(value, _WHAT)
    endpoint = Endpoint.unpack(reader)
    reader.end()
    return endpoint
