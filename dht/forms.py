"""What may travel as a DHT message, as msgspec checks it: messages.py has the meaning, reading.py the way there.

Each form is an array that begins with the kind.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from msgspec import Meta, Struct
from msgspec.msgpack import Decoder

from ..wire.identity import ID_BYTES
from ..wire.record import RECORD_BYTES_MAX
from .messages import CONTACTS_MAX, MARK_BYTES, MARKS_MAX, RECORDS_MAX, SUMMARY_BYTES, U32_MAX, Outcome
from .tokens import TOKEN_BYTES

_U32: TypeAlias = Annotated[int, Meta(ge=0, le=U32_MAX)]
_U64: TypeAlias = Annotated[int, Meta(ge=0)]
_Id: TypeAlias = Annotated[bytes, Meta(min_length=ID_BYTES, max_length=ID_BYTES)]
_Owner: TypeAlias = Annotated[bytes, Meta(max_length=ID_BYTES)]
_Token: TypeAlias = Annotated[bytes, Meta(min_length=TOKEN_BYTES, max_length=TOKEN_BYTES)]
_TokenOrNone: TypeAlias = Annotated[bytes, Meta(max_length=TOKEN_BYTES)]
_Record: TypeAlias = Annotated[bytes, Meta(min_length=1, max_length=RECORD_BYTES_MAX)]
_Offered: TypeAlias = bytes  # whatever is wrong with it is told, its size too
_Contacts: TypeAlias = Annotated[
    list[Annotated[bytes, Meta(min_length=1, max_length=64)]], Meta(max_length=CONTACTS_MAX)
]


class Form(Struct, array_like=True, frozen=True):
    request_id: _U32


class Ping(Form, tag=1, frozen=True):
    pass


class FindNode(Form, tag=2, frozen=True):
    target: _Id
    want: _U32 = 0
    families: _U32 = 0


class FindValue(Form, tag=3, frozen=True):
    key: _Id
    owner: _Owner
    want: Annotated[int, Meta(ge=1, le=U32_MAX)]
    offset: _U32
    families: _U32 = 0


class Store(Form, tag=4, frozen=True):
    token: _TokenOrNone
    age_s: _U32
    record: _Offered
    want: _U32 = 0


class Listen(Form, tag=6, frozen=True):
    token: _Token
    key: _Id
    owner: _Owner


class Changed(Form, tag=7, frozen=True):
    records: Annotated[list[tuple[_U32, _Record]], Meta(min_length=1, max_length=RECORDS_MAX)]


class Digest(Form, tag=9, frozen=True):
    summary: Annotated[bytes, Meta(max_length=SUMMARY_BYTES)]
    marks: Annotated[bytes, Meta(max_length=MARK_BYTES * MARKS_MAX)]


class Pong(Form, tag=17, frozen=True):
    pass


class Nodes(Form, tag=18, frozen=True):
    token: _Token
    contacts: _Contacts


class Values(Form, tag=19, frozen=True):
    token: _Token
    total: _U32
    records: Annotated[list[tuple[_U32, _Record]], Meta(max_length=RECORDS_MAX)]
    contacts: _Contacts
    copies: _U32 = 0


class Stored(Form, tag=20, frozen=True):
    outcome: Outcome
    sequence: _U64
    token: _TokenOrNone = b""
    contacts: _Contacts = []  # msgspec makes a new one each time


class StoreMany(Form, tag=5, frozen=True):
    token: _TokenOrNone
    records: Annotated[list[tuple[_U32, _Offered]], Meta(min_length=1, max_length=RECORDS_MAX)]


class StoredMany(Form, tag=21, frozen=True):
    outcomes: Annotated[list[tuple[Outcome, _U64]], Meta(max_length=RECORDS_MAX)]
    token: _TokenOrNone


class Listening(Form, tag=22, frozen=True):
    outcome: Outcome
    life_s: _U32
    fresh: _U32
    token: _TokenOrNone


class Noted(Form, tag=23, frozen=True):
    wanted: _U32


class Lacking(Form, tag=25, frozen=True):
    bits: Annotated[bytes, Meta(max_length=-(-MARKS_MAX // 8))]
    token: Annotated[bytes, Meta(max_length=TOKEN_BYTES)]


class FindMany(Form, tag=10, frozen=True):
    keys: Annotated[list[_Id], Meta(min_length=1, max_length=RECORDS_MAX)]


class ValuesMany(Form, tag=26, frozen=True):
    token: _Token
    records: Annotated[list[tuple[_U32, _Record]], Meta(max_length=RECORDS_MAX)]


_ANSWERS = (Pong, Nodes, Values, Stored, StoredMany, Listening, Noted, Lacking, ValuesMany)
ANSWER_KINDS = [each.__struct_config__.tag for each in _ANSWERS]


DECODER: Decoder[Any] = Decoder(
    Ping
    | FindNode
    | FindValue
    | Store
    | StoreMany
    | Listen
    | Changed
    | Digest
    | FindMany
    | Pong
    | Nodes
    | Values
    | Stored
    | StoredMany
    | Listening
    | Noted
    | Lacking
    | ValuesMany
)
