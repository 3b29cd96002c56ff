"""Write a trace to a file as a run goes, and read it back, forwards or backwards, a record at a time.

A file begins with eight bytes that name the format, the length (u32) of a JSON document, and that document: what was
run. Neither side holds more in memory than one block and the labels.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ...wire.errors import ConfigError
from .trace_record import (
    CALL,
    END,
    LABEL,
    LENGTH,
    NANOSECONDS,
    NO_CONTENT,
    PACKET,
    Kind,
    Record,
    content_of,
    record_of,
)

MAGIC = b"m99trc1\n"
HEADER_LENGTH = struct.Struct(">I")
HEADER_BYTES_MAX = 1 << 20
"""A scenario has a few kilobytes; more means that the file is something else."""

BLOCK_BYTES = 1 << 20
"""Written and read at once: larger blocks are no faster."""

LABELS_MAX = 0xFFFF
OTHER_LABEL = "(another callback)"
"""Stands for callbacks beyond the number of labels that the format has room for."""

LABEL_BYTES_MAX = 500
"""Longer names are cut: it is for people to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceHeader:
    """What was run: enough to run it again."""

    scenario: str
    seed: int
    code: str
    crypto: str = "simulated"
    definition: str = ""
    """The scenario as TOML."""


class TraceWriter:
    """Write the records from a virtual time on; a pickled writer goes on in the same file where it stood."""

    def __init__(self, path: Path, header: TraceHeader, from_s: float = 0.0) -> None:
        self._path = path.absolute()
        self._from_ns = int(from_s * NANOSECONDS)
        self._labels: dict[str, int] = {}
        self._count = 0
        try:
            self._file: BinaryIO = self._path.open("wb", buffering=BLOCK_BYTES)
        except OSError as error:
            raise ConfigError(str(path), f"cannot be written: {error.strerror or error}") from error
        document = json.dumps(asdict(header)).encode()
        self._file.write(MAGIC + HEADER_LENGTH.pack(len(document)) + document)

    def call(
        self, event: int, parent: int, time_ns: int, node: int, label: str, packet: bytes | None = None
    ) -> None:
        """Write that an event runs; `packet` is the one that arrives with it."""
        if time_ns < self._from_ns:
            return
        size, content = (0, NO_CONTENT) if packet is None else (len(packet), content_of(packet))
        number = self._number(label)
        self._write(CALL.pack(Kind.CALL, event, parent, time_ns, node, number, size, content))

    def packet(self, parent: int, time_ns: int, sender: int, receiver: int, packet: bytes) -> None:
        """Write that a packet is sent during the event `parent`."""
        if time_ns < self._from_ns:
            return
        content = content_of(packet)
        self._write(PACKET.pack(Kind.PACKET, parent, time_ns, sender, receiver, len(packet), content))

    def close(self) -> None:
        """Write the end; nothing can follow."""
        if not self._file.closed:
            self._frame(END.pack(Kind.END, self._count))
            self._file.close()

    def _write(self, body: bytes) -> None:
        self._count += 1
        self._frame(body)

    def _frame(self, body: bytes) -> None:
        length = LENGTH.pack(len(body))
        self._file.write(length + body + length)

    def _number(self, label: str) -> int:
        number = self._labels.get(label)
        if number is not None:
            return number
        if len(self._labels) >= LABELS_MAX - 1 and label != OTHER_LABEL:
            return self._number(OTHER_LABEL)
        number = self._labels[label] = len(self._labels)
        self._frame(LABEL.pack(Kind.LABEL, number) + label.encode()[:LABEL_BYTES_MAX])
        return number

    # A run that is put aside goes on later, maybe in another process.

    def __getstate__(self) -> dict[str, Any]:
        self._file.flush()
        return {**self.__dict__, "_file": self._file.tell()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        offset = state.pop("_file")
        self.__dict__.update(state)
        self._file = self._path.open("r+b", buffering=BLOCK_BYTES)
        self._file.truncate(offset)
        self._file.seek(offset)


class TraceReader:
    """Read a trace; raises ConfigError when the file is none, or is damaged inside.

    A file that ends early, as after a kill, gives the records that are whole; `complete` tells afterwards.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.complete = False
        self._labels: dict[int, str] = {}
        self.header, self._begin = _read_header(path)

    def __iter__(self) -> Iterator[Record]:
        self.complete = False
        with self.path.open("rb", buffering=BLOCK_BYTES) as file:
            offset = file.seek(self._begin)
            while (body := self._next_body(file, offset)) is not None:
                if body[0] == Kind.END:
                    self.complete = True
                    return
                record = self._record(body, offset)
                if record is not None:
                    yield record
                offset += len(body) + 2 * LENGTH.size

    def backwards(self, before: int) -> Iterator[Record]:
        """Yield the records that end at or before an offset, the last first.

        Labels are learned forwards: the iterator must have been past this offset.
        """
        with self.path.open("rb") as file:
            while before > self._begin:
                low = max(self._begin, before - BLOCK_BYTES)
                file.seek(low)
                block = file.read(before - low)
                for start, body in self._bodies_backwards(block, low):
                    before = low + start
                    record = self._record(body, before)
                    if record is not None:
                        yield record

    def _next_body(self, file: BinaryIO, offset: int) -> bytes | None:
        head = file.read(LENGTH.size)
        if len(head) < LENGTH.size:
            return None
        length = LENGTH.unpack(head)[0]
        body = file.read(length + LENGTH.size)
        if len(body) < length + LENGTH.size:
            return None
        if body[length:] != head or not length:
            raise self._damaged(offset)
        return body[:length]

    def _bodies_backwards(self, block: bytes, low: int) -> Iterator[tuple[int, bytes]]:
        """Yield the whole records of a block, the last first; at least one."""
        end = len(block)
        while end >= LENGTH.size:
            length = LENGTH.unpack_from(block, end - LENGTH.size)[0]
            start = end - length - 2 * LENGTH.size
            if start < 0:
                break
            yield start, block[start + LENGTH.size : end - LENGTH.size]
            end = start
        if end == len(block):
            raise self._damaged(low + end)

    def _record(self, body: bytes, offset: int) -> Record | None:
        try:
            return record_of(body, offset, self._labels)
        except (struct.error, KeyError):
            raise self._damaged(offset) from None

    def _damaged(self, offset: int) -> ConfigError:
        return ConfigError(str(self.path), f"is damaged at byte {offset}")


def is_trace(path: Path) -> bool:
    """Tell whether a file begins as a trace does."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def _read_header(path: Path) -> tuple[TraceHeader, int]:
    with path.open("rb") as file:
        head = file.read(len(MAGIC) + HEADER_LENGTH.size)
        length = HEADER_LENGTH.unpack(head[len(MAGIC) :])[0] if len(head) == len(MAGIC) + 4 else 0
        document = file.read(length) if 0 < length <= HEADER_BYTES_MAX else b""
    if not head.startswith(MAGIC) or len(document) != length or not document:
        raise ConfigError(str(path), "is not a trace", "`mesh99 sim run SCENARIO --trace FILE` writes one")
    try:
        return TraceHeader(**json.loads(document)), len(head) + length
    except (TypeError, ValueError):
        raise ConfigError(str(path), "is a trace of another version of mesh99") from None
