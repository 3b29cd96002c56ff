"""The DHT's requests and replies, and how they are written: MessagePack arrays `[kind, request id, fields...]`.

    kind   message      fields
    1      Ping
    2      FindNode     target 32, want (absent or 0: as many as a bucket holds), families
    3      FindValue    key 32, owner 0 or 32, want 1.., offset 0.., families
    4      Store        token 8, age in seconds, record, contacts wanted (absent: none)
    5      StoreMany    token 8, records [[age in seconds, record], ...]
    6      Listen       token 8, key 32, owner 0 or 32
    7      Changed      records [[age in seconds, record], ...]
    9      Digest       summary 16 or 0, marks 10 each (the one or the other)
    10     FindMany     keys [32, ...]
    17     Pong
    18     Nodes        token 8, contacts [packed, ...]
    19     Values       token 8, total, records [[age in seconds, record], ...], contacts [packed, ...],
                        1 if they are copies (absent: 0)
    20     Stored       outcome, sequence held, token 8 or 0, contacts (absent: none)
    21     StoredMany   [[outcome, sequence held], ...] in the order of the request, token 8 or 0
    22     Listening    outcome, life in seconds, 1 if it is a new registration, token 8 or 0
    23     Noted        0 if no more is wanted, else 1
    25     Lacking      bits (none: nothing is missing), token 8 or 0
    26     ValuesMany   token 8, records [[age in seconds, record], ...]

Families are those of the contacts wanted: 1 IPv4, 2 IPv6, 3 both; absent or 0: the one that the request came over.
Numbers are unsigned, byte strings are `bin`. A reply's kind is its request's plus 16 and it repeats the request id.
Longer arrays than these are accepted, their tail ignored, so that fields can be added; shorter ones are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple, TypeAlias

from ..wire.codec import pack
from ..wire.contact import Contact

REPLY_BYTES_MAX = 1150  # one frame in one datagram of 1200 bytes
CONTACTS_MAX = 32  # more than a datagram holds
RECORDS_MAX = 32
COPIES_WANT_MAX = (
    1  # of several owners a copy might lack some: whoever wants more is answered by holders only
)
U32_MAX = 2**32 - 1
MARK_BYTES = 10
MARKS_MAX = 110  # fill one datagram
SUMMARY_BYTES = 16
CONTACT_BYTES_MAX = 53  # an IPv6 contact and its length


class Outcome(IntEnum):
    """What became of a STORE or a LISTEN: 0, or why it was refused."""

    STORED = 0
    BAD_TOKEN = 1
    BAD_RECORD = 2
    OLD_SEQUENCE = 3
    NO_ROOM = 4
    TOO_LARGE = 5
    EXPIRED = 6
    BAD_SIGNATURE = 7
    OWNER_QUOTA = 8
    KEY_FULL = 9
    STORE_FULL = 10
    WRONG_CONTENT = 11
    SUBNET_QUOTA = 12
    UNKNOWN = 255
    """Any other number: a reason that only newer peers know. Never sent."""

    @classmethod
    def _missing_(cls, value: object) -> Outcome | None:
        return cls.UNKNOWN if isinstance(value, int) and value >= 0 else None

    @property
    def reason(self) -> str:
        """Say it in words."""
        return self.name.lower().replace("_", " ")


class Ping(NamedTuple):
    """Ask for a sign of life."""


class FindNode(NamedTuple):
    """Ask for up to `want` contacts nearest to a target, a bucket of them when it is 0."""

    target: bytes
    want: int = 0
    families: int = 0


class FindValue(NamedTuple):
    """Ask for up to `want` records of a key, newest first from `offset` on, or for nearer contacts."""

    key: bytes
    owner: bytes = b""
    want: int = 1
    offset: int = 0
    families: int = 0


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


class Digest(NamedTuple):
    """Ask whether what we share has this summary; or, later, which of the records with these marks are missing."""

    summary: bytes = b""
    marks: bytes = b""


class FindMany(NamedTuple):
    """Ask for the newest record of each of several keys."""

    keys: Sequence[bytes]


class Pong(NamedTuple):
    """Answer a Ping."""


class Nodes(NamedTuple):
    """Answer a FindNode."""

    token: bytes
    contacts: Sequence[Contact]


class Values(NamedTuple):
    """Answer a FindValue: `total` records are held; these, and contacts when they are fewer than wanted.

    `copies` is 1 when the sender is no holder and keeps them for a moment only.
    """

    token: bytes
    total: int
    records: Sequence[tuple[int, bytes]]
    contacts: Sequence[Contact]
    copies: int = 0


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


class Lacking(NamedTuple):
    """Answer a Digest: a bit for the summary or for each mark, set where it is not so here; a token to give it with.

    It is never larger than what it answers: marks are longer than a token and a bit.
    """

    bits: bytes = b""
    token: bytes = b""


class ValuesMany(NamedTuple):
    """Answer a FindMany with those that are held and fit, in the order of the keys."""

    token: bytes
    records: Sequence[tuple[int, bytes]]


Request: TypeAlias = Ping | FindNode | FindValue | Store | StoreMany | Listen | Changed | Digest | FindMany
Reply: TypeAlias = Pong | Nodes | Values | Stored | StoredMany | Listening | Noted | Lacking | ValuesMany
Message: TypeAlias = Request | Reply

REPLY_OF: dict[type[Request], type[Reply]] = {
    Ping: Pong,
    FindNode: Nodes,
    FindValue: Values,
    Store: Stored,
    StoreMany: StoredMany,
    Listen: Listening,
    Changed: Noted,
    Digest: Lacking,
    FindMany: ValuesMany,
}
REQUESTS = (Ping, FindNode, FindValue, Store, StoreMany, Listen, Changed, Digest, FindMany)
ENDS_IN_A_WISH = (Store, FindNode, FindValue)  # left out where there is none
NEVER_EARLY = (Store, StoreMany, Digest)
"""Never in a handshake, where they could be replayed: writes, and the dearest question."""
_REQUEST_KIND: dict[type[Message], int] = {
    Ping: 1,
    FindNode: 2,
    FindValue: 3,
    Store: 4,
    StoreMany: 5,
    Listen: 6,
    Changed: 7,
    Digest: 9,
    FindMany: 10,
}


def encode_request(request_id: int, request: Request) -> bytes:
    """Return the bytes of a request."""
    fields = request[:-1] if isinstance(request, ENDS_IN_A_WISH) and not request[-1] else request
    return pack([_REQUEST_KIND[type(request)], request_id, *fields])


def encode_reply(request_id: int, reply: Reply) -> bytes:
    """Return the bytes of a reply."""
    if isinstance(reply, Nodes):
        return pack([18, request_id, reply.token, [contact.pack() for contact in reply.contacts]])
    if isinstance(reply, Values):
        contacts = [contact.pack() for contact in reply.contacts]
        values = [19, request_id, reply.token, reply.total, reply.records, contacts]
        return pack([*values, reply.copies] if reply.copies else values)
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
    if isinstance(reply, Lacking):
        return pack([25, request_id, *reply])
    if isinstance(reply, ValuesMany):
        return pack([26, request_id, *reply])
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
