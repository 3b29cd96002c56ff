"""One record of a trace, and its bytes.

A trace is a file of records, each between its own length at both ends, so that it reads forwards and backwards:

    length u16 | kind u8 | fields | length u16          big endian; the length is that of kind and fields

    1 call      event u64, parent u64, time_ns u64, node u32, label u16, size u32, content 8 bytes
    2 packet    parent u64, time_ns u64, sender u32, receiver u32, size u32, content 8 bytes
    3 label     number u16, text utf-8; comes before the first call that bears it
    4 end       number of calls and packets u64; missing when the run was killed

A *call* is an event of the world: a timer, a command, or a packet that arrives (then size and content are those of the
packet). Its parent is the event during which it was asked for, 0 for what was set up before the first. A *packet* is a
packet being sent; its parent is the event that runs. Content is a hash.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import blake2b
from struct import Struct

NANOSECONDS = 1_000_000_000
NOBODY = 0xFFFFFFFF
"""Stands for the receiver of a packet to an endpoint at which there is no node."""

CONTENT_BYTES = 8
"""Two of a million packets share so long a hash with probability 3e-8."""

NO_CONTENT = bytes(CONTENT_BYTES)

LENGTH = Struct(">H")
CALL = Struct(">BQQQIHI8s")
PACKET = Struct(">BQQIII8s")
LABEL = Struct(">BH")
END = Struct(">BQ")


class Kind(IntEnum):
    """What a record tells."""

    CALL = 1
    PACKET = 2
    LABEL = 3
    END = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One thing that happened."""

    kind: Kind
    event: int
    """Number of the event; 0 for a packet, which is sent during its parent."""
    parent: int
    time_ns: int
    node: int
    """Whose call it is, or who sends; 0 is the world itself."""
    receiver: int = 0
    size: int = 0
    content: bytes = NO_CONTENT
    label: str = ""
    offset: int = field(default=0, compare=False)
    """Where in its file it begins."""

    def same_as(self, other: Record, contents: bool = True) -> bool:
        """Tell whether the same happened, whatever the numbers of the events and, if asked, the bytes."""
        return self._facts(contents) == other._facts(contents)

    def _facts(self, contents: bool) -> tuple[object, ...]:
        content = self.content if contents else NO_CONTENT
        return self.kind, self.time_ns, self.node, self.receiver, self.size, content, self.label

    @property
    def is_arrival(self) -> bool:
        """Tell whether it is the arrival of a packet."""
        return self.kind is Kind.CALL and self.content != NO_CONTENT

    @property
    def text(self) -> str:
        """Say it in a line: when, who, what."""
        time = f"{self.time_ns // NANOSECONDS}.{self.time_ns % NANOSECONDS:09d} s"
        return f"{time}  {_name(self.node):<10} {self._what}"

    @property
    def _what(self) -> str:
        packet = f"packet {self.content.hex()}, {self.size} bytes"
        if self.kind is Kind.PACKET:
            return f"sends {packet}, to {_name(self.receiver)}"
        if self.is_arrival:
            return f"receives {packet} (event {self.event})"
        return f"runs {self.label} (event {self.event})"


def record_of(body: bytes, offset: int, labels: dict[int, str]) -> Record | None:
    """Read the kind and fields of a record, or learn a label; None for what is no call or packet."""
    if body[0] == Kind.PACKET:
        _, parent, time_ns, node, receiver, size, content = PACKET.unpack(body)
        return Record(
            kind=Kind.PACKET,
            event=0,
            parent=parent,
            time_ns=time_ns,
            node=node,
            receiver=receiver,
            size=size,
            content=content,
            offset=offset,
        )
    if body[0] == Kind.CALL:
        _, event, parent, time_ns, node, number, size, content = CALL.unpack(body)
        return Record(
            kind=Kind.CALL,
            event=event,
            parent=parent,
            time_ns=time_ns,
            node=node,
            size=size,
            content=content,
            label=labels[number],
            offset=offset,
        )
    if body[0] == Kind.LABEL:
        labels[LABEL.unpack_from(body)[1]] = body[LABEL.size :].decode(errors="replace")
    return None


def content_of(packet: bytes | memoryview) -> bytes:
    """Return the hash by which a trace knows a packet."""
    return blake2b(packet, digest_size=CONTENT_BYTES).digest()


def _name(node: int) -> str:
    if node == NOBODY:
        return "nobody"
    return f"node {node}" if node else "world"
