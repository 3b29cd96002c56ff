"""The DHT's requests and replies, and their bytes: one MessagePack array each, `[kind, request id, fields...]`.

    kind   message      fields
    1      Ping
    2      FindNode     target 32
    3      FindValue    key 32, owner 0 or 32, want 1.., offset 0..
    4      Store        token 8, age in seconds, record
    17     Pong
    18     Nodes        token 8, contacts [packed, ...]
    19     Values       token 8, total, records [[age in seconds, record], ...], contacts [packed, ...]
    20     Stored       outcome, sequence held

Numbers are unsigned, byte strings are `bin`. A reply's kind is its request's plus 16 and it repeats the request id.
Longer arrays than these are accepted, their tail ignored, so that fields can be added; shorter ones are not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from ..wire.codec import Reader, pack, unpack
from ..wire.contact import Contact
from ..wire.errors import DecodeError
from ..wire.identity import ID_BYTES
from ..wire.record import RECORD_BYTES_MAX
from .tokens import TOKEN_BYTES

CONTACTS_MAX = 32  # more than a datagram holds
RECORDS_MAX = 32
U32_MAX = 2**32 - 1
U64_MAX = 2**64 - 1
CONTACT_BYTES_MAX = 53  # an IPv6 contact and its length
CONTACTS_CACHED = 8192  # about 4 MiB: the answers of one process name the same contacts over and over


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
    """Ask for the contacts nearest to a target."""

    target: bytes


class FindValue(NamedTuple):
    """Ask for up to `want` records of a key, newest first from `offset` on, or for nearer contacts."""

    key: bytes
    owner: bytes = b""
    want: int = 1
    offset: int = 0


class Store(NamedTuple):
    """Ask to hold a record that is `age_s` old."""

    token: bytes
    age_s: int
    record: bytes


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
    """Answer a Store; `sequence` is the highest now held of that owner and key, 0 if none."""

    outcome: Outcome
    sequence: int


Request: TypeAlias = Ping | FindNode | FindValue | Store
Reply: TypeAlias = Pong | Nodes | Values | Stored
Message: TypeAlias = Request | Reply

REPLY_OF: dict[type[Request], type[Reply]] = {Ping: Pong, FindNode: Nodes, FindValue: Values, Store: Stored}
REQUESTS = (Ping, FindNode, FindValue, Store)
_REQUEST_KIND: dict[type[Message], int] = {Ping: 1, FindNode: 2, FindValue: 3, Store: 4}
_WHAT = "DHT message"


def encode_request(request_id: int, request: Request) -> bytes:
    """Return the bytes of a request."""
    return pack([_REQUEST_KIND[type(request)], request_id, *request])


def encode_reply(request_id: int, reply: Reply) -> bytes:
    """Return the bytes of a reply."""
    if isinstance(reply, Nodes):
        return pack([18, request_id, reply.token, [packed(contact) for contact in reply.contacts]])
    if isinstance(reply, Values):
        contacts = [packed(contact) for contact in reply.contacts]
        return pack([19, request_id, reply.token, reply.total, reply.records, contacts])
    if isinstance(reply, Stored):
        return pack([20, request_id, int(reply.outcome), reply.sequence])
    return pack([17, request_id])


def encode_within(request_id: int, reply: Reply, size_bytes_max: int) -> bytes | None:
    """Return the bytes of a reply with as many contacts and records as fit; None when not even none do."""
    while len(data := encode_reply(request_id, reply)) > size_bytes_max:
        if not isinstance(reply, Nodes | Values):
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
    fields = unpack(data, _WHAT)
    if type(fields) is not list or len(fields) < 2:
        raise DecodeError(_WHAT, "no array of kind and request id")
    read = _READERS.get(_number(fields[0], U32_MAX))
    if read is None:
        raise DecodeError(_WHAT, f"unknown kind {fields[0]}")
    count, build = read
    if len(fields) < count + 2:
        raise DecodeError(_WHAT, "too few fields")
    return _number(fields[1], U32_MAX), build(fields)


@lru_cache(CONTACTS_CACHED)
def contact_of(data: bytes) -> Contact:
    """Return the contact of its packed form; raise DecodeError."""
    reader = Reader(data, "contact")
    contact = Contact.unpack(reader)
    reader.end()
    return contact


@lru_cache(CONTACTS_CACHED)
def packed(contact: Contact) -> bytes:
    """Return the packed form of a contact."""
    return contact.pack()


def _number(value: object, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise DecodeError(_WHAT, "a number is missing or out of range")
    return value


def _bytes(value: object, least: int, most: int) -> bytes:
    if type(value) is not bytes or not least <= len(value) <= most:
        raise DecodeError(_WHAT, "bytes are missing or of a wrong length")
    return value


def _list(value: object, most: int) -> list[object]:
    if type(value) is not list or len(value) > most:
        raise DecodeError(_WHAT, "a list is missing or too long")
    return value


def _identifier(value: object) -> bytes:
    return _bytes(value, ID_BYTES, ID_BYTES)


def _token(value: object) -> bytes:
    return _bytes(value, TOKEN_BYTES, TOKEN_BYTES)


def _record(value: object) -> bytes:
    return _bytes(value, 1, RECORD_BYTES_MAX)


def _contacts(value: object) -> list[Contact]:
    return [contact_of(_bytes(item, 1, 64)) for item in _list(value, CONTACTS_MAX)]


def _aged_record(value: object) -> tuple[int, bytes]:
    pair = _list(value, 2)
    if len(pair) != 2:
        raise DecodeError(_WHAT, "a record has no age")
    return _number(pair[0], U32_MAX), _record(pair[1])


def _find_value(fields: list[object]) -> FindValue:
    owner = _bytes(fields[3], 0, ID_BYTES)
    if owner:
        _identifier(owner)
    want = _number(fields[4], U32_MAX)
    if not want:
        raise DecodeError(_WHAT, "nothing is wanted")
    return FindValue(_identifier(fields[2]), owner, want, _number(fields[5], U32_MAX))


def _values(fields: list[object]) -> Values:
    records = [_aged_record(item) for item in _list(fields[4], RECORDS_MAX)]
    return Values(_token(fields[2]), _number(fields[3], U32_MAX), records, _contacts(fields[5]))


def _stored(fields: list[object]) -> Stored:
    outcome = _number(fields[2], U32_MAX)
    if outcome > Outcome.NO_ROOM:
        raise DecodeError(_WHAT, f"unknown outcome {outcome}")
    return Stored(Outcome(outcome), _number(fields[3], U64_MAX))


_READERS: dict[int, tuple[int, Callable[[list[object]], Message]]] = {
    1: (0, lambda fields: Ping()),
    2: (1, lambda fields: FindNode(_identifier(fields[2]))),
    3: (4, _find_value),
    4: (3, lambda fields: Store(_token(fields[2]), _number(fields[3], U32_MAX), _record(fields[4]))),
    17: (0, lambda fields: Pong()),
    18: (2, lambda fields: Nodes(_token(fields[2]), _contacts(fields[3]))),
    19: (4, _values),
    20: (2, _stored),
}
