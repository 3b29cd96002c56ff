"""Reading DHT messages: what becomes of a form (forms.py) that came, and what msgspec does not check of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import DecodeError as NotMessagePack

from ..wire.codec import BYTES_MAX, Reader
from ..wire.contact import CONTACTS_CACHED, Contact
from ..wire.errors import DecodeError
from ..wire.identity import ID_BYTES
from ..wire.memo import memo
from . import forms
from .messages import (
    MARK_BYTES,
    SUMMARY_BYTES,
    Changed,
    Digest,
    FindMany,
    FindNode,
    FindValue,
    Lacking,
    Listen,
    Listening,
    Message,
    Nodes,
    Noted,
    Ping,
    Pong,
    Store,
    Stored,
    StoredMany,
    StoreMany,
    Values,
    ValuesMany,
)
from .tokens import TOKEN_BYTES

_WHAT = "DHT message"
ARRAY_HEADS = range(0x90, 0xA0)
"""First bytes of MessagePack arrays of up to 15 elements; the kind is the byte behind it."""


def decode(data: bytes) -> tuple[int, Message]:
    """Return (request id, message); raise DecodeError for anything that is not a message."""
    if len(data) > BYTES_MAX:
        raise DecodeError(_WHAT, "too long", BYTES_MAX)
    try:
        wire = forms.DECODER.decode(data)
    except (NotMessagePack, RecursionError) as error:
        raise DecodeError(_WHAT, str(error)) from None
    return wire.request_id, _BUILD[type(wire)](wire)


def is_answer(data: bytes) -> bool:
    """Tell whether bytes that are no message were meant as an answer of a kind known here."""
    return len(data) > 1 and data[0] in ARRAY_HEADS and data[1] in forms.ANSWER_KINDS


@memo(CONTACTS_CACHED)
def contact_of(data: bytes) -> Contact:
    """Return the contact of its packed form; raise DecodeError."""
    reader = Reader(data, "contact")
    contact = Contact.unpack(reader)
    reader.end()
    return contact


def _listen(wire: forms.Listen) -> Listen:
    if len(wire.owner) not in (0, ID_BYTES):
        raise DecodeError(_WHAT, "an owner of a wrong length")
    return Listen(wire.token, wire.key, wire.owner)


def _digest(wire: forms.Digest) -> Digest:
    if len(wire.summary) not in (0, SUMMARY_BYTES) or len(wire.marks) % MARK_BYTES:
        raise DecodeError(_WHAT, "a summary or marks of a wrong length")
    if bool(wire.summary) == bool(wire.marks):
        raise DecodeError(_WHAT, "neither a summary nor marks, or both")
    return Digest(wire.summary, wire.marks)


def _lacking(wire: forms.Lacking) -> Lacking:
    if len(wire.token) not in (0, TOKEN_BYTES):
        raise DecodeError(_WHAT, "a token of a wrong length")
    return Lacking(wire.bits, wire.token)


def _find_value(wire: forms.FindValue) -> FindValue:
    if len(wire.owner) not in (0, ID_BYTES):
        raise DecodeError(_WHAT, "an owner of a wrong length")
    return FindValue(wire.key, wire.owner, wire.want, wire.offset, wire.families)


def _contacts(wire: list[bytes]) -> list[Contact]:
    return [contact_of(each) for each in wire]


_PING, _PONG = Ping(), Pong()

_BUILD: dict[type, Callable[[Any], Message]] = {
    forms.Ping: lambda wire: _PING,
    forms.FindNode: lambda wire: FindNode(wire.target, wire.want, wire.families),
    forms.FindValue: _find_value,
    forms.Store: lambda wire: Store(wire.token, wire.age_s, wire.record, wire.want),
    forms.StoreMany: lambda wire: StoreMany(wire.token, wire.records),
    forms.Listen: _listen,
    forms.Changed: lambda wire: Changed(wire.records),
    forms.Digest: _digest,
    forms.Lacking: _lacking,
    forms.Listening: lambda wire: Listening(wire.outcome, wire.life_s, wire.fresh, wire.token),
    forms.Noted: lambda wire: Noted(wire.wanted),
    forms.FindMany: lambda wire: FindMany(wire.keys),
    forms.ValuesMany: lambda wire: ValuesMany(wire.token, wire.records),
    forms.Pong: lambda wire: _PONG,
    forms.Nodes: lambda wire: Nodes(wire.token, _contacts(wire.contacts)),
    forms.Values: lambda wire: Values(
        wire.token, wire.total, wire.records, _contacts(wire.contacts), int(wire.copies > 0)
    ),
    forms.Stored: lambda wire: Stored(
        wire.outcome, wire.sequence, wire.token, _contacts(wire.contacts) or ()
    ),
    forms.StoredMany: lambda wire: StoredMany(wire.outcomes, wire.token),
}
