"""The DHT's requests and replies, and their bytes: one MessagePack array each, `[kind, request id, fields...]`.

    kind   message      fields
    1      Ping
    2      FindNode     target 32, want (absent or 0: as many as a bucket holds)
    3      FindValue    key 32, owner 0 or 32, want 1.., offset 0..
    4      Store        token 8, age in seconds, record, contacts wanted (absent: none)
    5      StoreMany    token 8, records [[age in seconds, record], ...]
    6      Listen       token 8, key 32, owner 0 or 32
    7      Changed      records [[age in seconds, record], ...]
    17     Pong
    18     Nodes        token 8, contacts [packed, ...]
    19     Values       token 8, total, records [[age in seconds, record], ...], contacts [packed, ...]
    20     Stored       outcome, sequence held, token 8 or 0, contacts (absent: none)
    21     StoredMany   [[outcome, sequence held], ...] in the order of the request, token 8 or 0
    22     Listening    outcome, life in seconds, 1 if it is a new registration, token 8 or 0
    23     Noted        0 if no more is wanted, else 1

Numbers are unsigned, byte strings are `bin`. A reply's kind is its request's plus 16 and it repeats the request id.
Longer arrays than these are accepted, their tail ignored, so that fields can be added; shorter ones are not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Annotated, Any, NamedTuple, TypeAlias

from msgspec import DecodeError as NotMessagePack
from msgspec import Meta, Struct
from msgspec.msgpack import Decoder

from ..wire.codec import BYTES_MAX, Reader, pack
from ..wire.contact import CONTACTS_CACHED, Contact
from ..wire.errors import DecodeError
from ..wire.identity import ID_BYTES
from ..wire.memo import memo
from ..wire.record import RECORD_BYTES_MAX
from .tokens import TOKEN_BYTES

REPLY_BYTES_MAX = 1150  # one frame in one datagram of 1200 bytes
CONTACTS_MAX = 32  # more than a datagram holds
RECORDS_MAX = 32
U32_MAX = 2**32 - 1
CONTACT_BYTES_MAX = 53  # an IPv6 contact and its length


class Outcome(IntEnum):
    """What became of a STORE."""

    STORED = 0
    BAD_TOKEN = 1
    BAD_RECORD = 2
    OLD_SEQUENCE = 3
    NO_ROOM = 4


class Ping(NamedTuple):
    """Ask for a sign of life."""


class FindNode(NamedTuple):
    """Ask for up to `want` contacts nearest to a target, a bucket of them when it is 0."""

    target: bytes
    want: int = 0


class FindValue(NamedTuple):
    """Ask for up to `want` records of a key, newest first from `offset` on, or for nearer contacts."""

    key: bytes
    owner: bytes = b""
    want: int = 1
    offset: int = 0


class Store(NamedTuple):
    """Ask to hold a record that is `age_s` old, and for up to `want` contacts nearest to its key."""

    token: bytes
    age_s: int
    record: bytes
    want: int = 0


class StoreMany(NamedTuple):
    """Ask to hold several records, each with its age in seconds."""

    token: bytes
    records: Sequence[tuple[int, bytes]]


class Listen(NamedTuple):
    """Ask to be told of new records of a key, of one owner or of any."""

    token: bytes
    key: bytes
    owner: bytes = b""


class Changed(NamedTuple):
    """Tell a listener of new records."""

    records: Sequence[tuple[int, bytes]]


class Pong(NamedTuple):
    """Answer a Ping."""


class Nodes(NamedTuple):
    """Answer a FindNode."""

    token: bytes
    contacts: Sequence[Contact]


class Values(NamedTuple):
    """Answer a FindValue: `total` records are held; these, and contacts when they are fewer than wanted."""

    token: bytes
    total: int
    records: Sequence[tuple[int, bytes]]
    contacts: Sequence[Contact]


class Stored(NamedTuple):
    """Answer a Store; `sequence` is the highest now held of that owner and key, 0 if none.

    A token comes along if contacts were wanted, as a FindNode brings it.
    """

    outcome: Outcome
    sequence: int
    token: bytes = b""
    contacts: Sequence[Contact] = ()


class StoredMany(NamedTuple):
    """Answer a StoreMany: an outcome and the sequence held for each of its records; a good token for a bad one."""

    outcomes: Sequence[tuple[Outcome, int]]
    token: bytes = b""


class Listening(NamedTuple):
    """Answer a Listen: for how long it counts, whether it is `fresh` here; a bad token comes with a good one."""

    outcome: Outcome
    life_s: int
    fresh: int = 0
    token: bytes = b""


class Noted(NamedTuple):
    """Answer a Changed; `wanted` is 0 when the key is listened to no more."""

    wanted: int


Request: TypeAlias = Ping | FindNode | FindValue | Store | StoreMany | Listen | Changed
Reply: TypeAlias = Pong | Nodes | Values | Stored | StoredMany | Listening | Noted
Message: TypeAlias = Request | Reply

REPLY_OF: dict[type[Request], type[Reply]] = {
    Ping: Pong,
    FindNode: Nodes,
    FindValue: Values,
    Store: Stored,
    StoreMany: StoredMany,
    Listen: Listening,
    Changed: Noted,
}
REQUESTS = (Ping, FindNode, FindValue, Store, StoreMany, Listen, Changed)
WRITES = (Store, StoreMany)  # never in a handshake, where they could be replayed
_REQUEST_KIND: dict[type[Message], int] = {
    Ping: 1,
    FindNode: 2,
    FindValue: 3,
    Store: 4,
    StoreMany: 5,
    Listen: 6,
    Changed: 7,
}
_WHAT = "DHT message"


def encode_request(request_id: int, request: Request) -> bytes:
    """Return the bytes of a request."""
    fields = request[:-1] if isinstance(request, Store) and not request.want else request
    return pack([_REQUEST_KIND[type(request)], request_id, *fields])


def encode_reply(request_id: int, reply: Reply) -> bytes:
    """Return the bytes of a reply."""
    if isinstance(reply, Nodes):
        return pack([18, request_id, reply.token, [contact.pack() for contact in reply.contacts]])
    if isinstance(reply, Values):
        contacts = [contact.pack() for contact in reply.contacts]
        return pack([19, request_id, reply.token, reply.total, reply.records, contacts])
    if isinstance(reply, Stored):
        outcome = [20, request_id, int(reply.outcome), reply.sequence]
        contacts = [contact.pack() for contact in reply.contacts]
        return pack([*outcome, reply.token, contacts] if reply.token else outcome)
    if isinstance(reply, StoredMany):
        outcomes = [(int(outcome), sequence) for outcome, sequence in reply.outcomes]
        return pack([21, request_id, outcomes, reply.token])
    if isinstance(reply, Listening):
        return pack([22, request_id, int(reply.outcome), *reply[1:]])
    if isinstance(reply, Noted):
        return pack([23, request_id, reply.wanted])
    return pack([17, request_id])


def encode_within(request_id: int, reply: Reply, size_bytes_max: int) -> bytes | None:
    """Return the bytes of a reply with as many contacts and records as fit; None when not even none do."""
    while len(data := encode_reply(request_id, reply)) > size_bytes_max:
        if not isinstance(reply, Nodes | Values | Stored):
            return None
        if reply.contacts:
            excess = -(-(len(data) - size_bytes_max) // CONTACT_BYTES_MAX)
            reply = reply._replace(contacts=reply.contacts[:-excess])
        elif isinstance(reply, Values) and reply.records:
            reply = reply._replace(records=reply.records[:-1])
        else:
            return None
    return data


def decode(data: bytes) -> tuple[int, Message]:
    """Return (request id, message); raise DecodeError for anything that is not a message."""
    if len(data) > BYTES_MAX:
        raise DecodeError(_WHAT, "too long", BYTES_MAX)
    try:
        wire = _DECODER.decode(data)
    except (NotMessagePack, RecursionError) as error:
        raise DecodeError(_WHAT, str(error)) from None
    return wire.request_id, _BUILD[type(wire)](wire)


@memo(CONTACTS_CACHED)
def contact_of(data: bytes) -> Contact:
    """Return the contact of its packed form; raise DecodeError."""
    reader = Reader(data, "contact")
    contact = Contact.unpack(reader)
    reader.end()
    return contact


# What travels, as msgspec reads and checks it: an array that begins with the kind.

_U32: TypeAlias = Annotated[int, Meta(ge=0, le=U32_MAX)]
_U64: TypeAlias = Annotated[int, Meta(ge=0)]
_Id: TypeAlias = Annotated[bytes, Meta(min_length=ID_BYTES, max_length=ID_BYTES)]
_Owner: TypeAlias = Annotated[bytes, Meta(max_length=ID_BYTES)]
_Token: TypeAlias = Annotated[bytes, Meta(min_length=TOKEN_BYTES, max_length=TOKEN_BYTES)]
_Record: TypeAlias = Annotated[bytes, Meta(min_length=1, max_length=RECORD_BYTES_MAX)]
_Contacts: TypeAlias = Annotated[
    list[Annotated[bytes, Meta(min_length=1, max_length=64)]], Meta(max_length=CONTACTS_MAX)
]


class _Wire(Struct, array_like=True, frozen=True):
    request_id: _U32


class _Ping(_Wire, tag=1, frozen=True):
    pass


class _FindNode(_Wire, tag=2, frozen=True):
    target: _Id
    want: _U32 = 0


class _FindValue(_Wire, tag=3, frozen=True):
    key: _Id
    owner: _Owner
    want: Annotated[int, Meta(ge=1, le=U32_MAX)]
    offset: _U32


class _Store(_Wire, tag=4, frozen=True):
    token: _Token
    age_s: _U32
    record: _Record
    want: _U32 = 0


class _Listen(_Wire, tag=6, frozen=True):
    token: _Token
    key: _Id
    owner: _Owner


class _Changed(_Wire, tag=7, frozen=True):
    records: Annotated[list[tuple[_U32, _Record]], Meta(min_length=1, max_length=RECORDS_MAX)]


class _Pong(_Wire, tag=17, frozen=True):
    pass


class _Nodes(_Wire, tag=18, frozen=True):
    token: _Token
    contacts: _Contacts


class _Values(_Wire, tag=19, frozen=True):
    token: _Token
    total: _U32
    records: Annotated[list[tuple[_U32, _Record]], Meta(max_length=RECORDS_MAX)]
    contacts: _Contacts


class _Stored(_Wire, tag=20, frozen=True):
    outcome: Outcome
    sequence: _U64
    token: Annotated[bytes, Meta(max_length=TOKEN_BYTES)] = b""
    contacts: _Contacts = []  # msgspec makes a new one each time


class _StoreMany(_Wire, tag=5, frozen=True):
    token: _Token
    records: Annotated[list[tuple[_U32, _Record]], Meta(min_length=1, max_length=RECORDS_MAX)]


class _StoredMany(_Wire, tag=21, frozen=True):
    outcomes: Annotated[list[tuple[Outcome, _U64]], Meta(max_length=RECORDS_MAX)]
    token: Annotated[bytes, Meta(max_length=TOKEN_BYTES)]


class _Listening(_Wire, tag=22, frozen=True):
    outcome: Outcome
    life_s: _U32
    fresh: _U32
    token: Annotated[bytes, Meta(max_length=TOKEN_BYTES)]


class _Noted(_Wire, tag=23, frozen=True):
    wanted: _U32


_DECODER: Decoder[Any] = Decoder(
    _Ping
    | _FindNode
    | _FindValue
    | _Store
    | _StoreMany
    | _Listen
    | _Changed
    | _Pong
    | _Nodes
    | _Values
    | _Stored
    | _StoredMany
    | _Listening
    | _Noted
)


def _listen(wire: _Listen) -> Listen:
    if len(wire.owner) not in (0, ID_BYTES):
        raise DecodeError(_WHAT, "an owner of a wrong length")
    return Listen(wire.token, wire.key, wire.owner)


def _find_value(wire: _FindValue) -> FindValue:
    if len(wire.owner) not in (0, ID_BYTES):
        raise DecodeError(_WHAT, "an owner of a wrong length")
    return FindValue(wire.key, wire.owner, wire.want, wire.offset)


def _contacts(wire: list[bytes]) -> list[Contact]:
    return [contact_of(each) for each in wire]


_PING, _PONG = Ping(), Pong()

_BUILD: dict[type, Callable[[Any], Message]] = {
    _Ping: lambda wire: _PING,
    _FindNode: lambda wire: FindNode(wire.target, wire.want),
    _FindValue: _find_value,
    _Store: lambda wire: Store(wire.token, wire.age_s, wire.record, wire.want),
    _StoreMany: lambda wire: StoreMany(wire.token, wire.records),
    _Listen: _listen,
    _Changed: lambda wire: Changed(wire.records),
    _Listening: lambda wire: Listening(wire.outcome, wire.life_s, wire.fresh, wire.token),
    _Noted: lambda wire: Noted(wire.wanted),
    _Pong: lambda wire: _PONG,
    _Nodes: lambda wire: Nodes(wire.token, _contacts(wire.contacts)),
    _Values: lambda wire: Values(wire.token, wire.total, wire.records, _contacts(wire.contacts)),
    _Stored: lambda wire: Stored(wire.outcome, wire.sequence, wire.token, _contacts(wire.contacts) or ()),
    _StoredMany: lambda wire: StoredMany(wire.outcomes, wire.token),
}
