"""Write a large graph of live objects to a file, and read it back: pickle, with what a whole network needs.

- Callbacks that are functions inside functions go through cloudpickle, by value.
- Objects with `__slots__` leave as a tuple of their values. Pickle's own way makes a dict for each and keeps all of
  them until the end: measured, that takes more memory than the network itself, and twice the time.
- A chain of objects that hold each other is followed by recursion, so it runs on a thread with a large stack.

The collector rests meanwhile: nothing here becomes garbage, and it would look at every object again and again.
"""

from __future__ import annotations

import copyreg
import gc
import io
import pickle
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import attrgetter
from typing import Any, BinaryIO, TypeVar

from ...wire.errors import ConfigError

Result = TypeVar("Result")
Reduced = tuple[Any, ...]

STACK_BYTES = 512 << 20
"""Address space, not memory: only what is used is ever backed by a page."""

RECURSION_MAX = 200_000
"""Levels that fit this stack at the 2.5 KiB that a level of pickling takes."""

COMPRESSION = 1
"""zlib's quickest: half the size for a fifth of the time; level 6 takes three times as long for 15 % less."""

BLOCK_BYTES = 1 << 18

HEAP_TYPE = 1 << 9
"""Flag of classes that are defined in Python."""


def dump(root: object, file: BinaryIO) -> None:
    """Write all that can be reached from an object; raises ConfigError when cloudpickle is missing."""
    pickler_class = _pickler_class()

    def work() -> None:
        writer = _Compressor(file)
        pickler_class(writer, protocol=pickle.HIGHEST_PROTOCOL).dump(root)
        writer.finish()

    _deep(work)


def load(file: BinaryIO) -> Any:
    """Read back what `dump` wrote. As with every pickle, only files of one's own are safe to read."""

    def work() -> Any:
        decompressor = _Decompressor(file)
        buffered = io.BufferedReader(decompressor, BLOCK_BYTES)
        root = pickle.Unpickler(buffered).load()
        if buffered.read() or not decompressor.is_whole:
            raise EOFError("its end is missing")
        return root

    return _deep(work)


def _pickler_class() -> type[pickle.Pickler]:
    try:
        from cloudpickle import Pickler  # type: ignore[import-untyped]
    except ImportError:
        raise ConfigError("cloudpickle", "is not installed", "pip install 'mesh99[sim]'") from None

    reducers: dict[type, Callable[[Any], Any] | None] = {}

    class CompactPickler(Pickler):  # type: ignore[misc]
        def reducer_override(self, obj: Any) -> Any:
            kind = type(obj)
            if kind not in reducers:
                reducers[kind] = _reducer_for(kind)
            reduce = reducers[kind]
            return super().reducer_override(obj) if reduce is None else reduce(obj)

    return CompactPickler


def _reducer_for(kind: type) -> Callable[[Any], Any] | None:
    """Return a quick way to reduce objects of a class, or None when it must go the usual way."""
    slots: list[str] = copyreg._slotnames(kind)  # type: ignore[attr-defined]
    if not slots or not _is_plain(kind):
        return None
    # Two names at least, so that the getter gives a tuple.
    values_of, arguments, new = attrgetter(*slots, slots[0]), (kind,), object.__new__

    def reduce(obj: Any) -> Any:
        try:
            return new, arguments, values_of(obj), None, None, _set_slots
        except AttributeError:
            return NotImplemented  # a slot without a value

    return reduce


def _is_plain(kind: type) -> bool:
    """Tell whether objects of a class are their slots and nothing else, and take part in pickling as `object` does."""
    usual = ("__reduce_ex__", "__reduce__", "__getstate__", "__new__", "__setattr__")
    return (
        all(getattr(kind, name) is getattr(object, name) for name in usual)
        and not hasattr(kind, "__setstate__")
        and not kind.__dictoffset__
        and all(base is object or base.__flags__ & HEAP_TYPE for base in kind.__mro__)
    )


def _set_slots(obj: object, values: Reduced) -> None:
    for name, value in zip(copyreg._slotnames(type(obj)), values, strict=False):  # type: ignore[attr-defined]
        setattr(obj, name, value)


def _deep(work: Callable[[], Result]) -> Result:
    """Run something on a thread with a large stack, without the collector; its errors are raised here."""
    results: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)

    with _large_stack(), _no_collection():
        thread = threading.Thread(target=run, name="object-graph")
        thread.start()
        thread.join()
    if errors:
        raise errors[0]
    return results[0]


@contextmanager
def _large_stack() -> Iterator[None]:
    size, limit = threading.stack_size(STACK_BYTES), sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, RECURSION_MAX))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)
        threading.stack_size(size)


@contextmanager
def _no_collection() -> Iterator[None]:
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class _Compressor:
    """What a pickler writes to."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._zlib = zlib.compressobj(COMPRESSION)

    def write(self, data: Any) -> int:
        self._file.write(self._zlib.compress(data))
        return memoryview(data).nbytes

    def finish(self) -> None:
        self._file.write(self._zlib.flush())


class _Decompressor(io.RawIOBase):
    """What an unpickler reads from; a file that ends early gives EOFError there."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._zlib = zlib.decompressobj()

    @property
    def is_whole(self) -> bool:
        return self._zlib.eof

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._zlib.eof:
            packed = self._zlib.unconsumed_tail or self._file.read(BLOCK_BYTES)
            data = self._zlib.decompress(packed, len(buffer))
            if data or not packed:
                buffer[: len(data)] = data
                return len(data)
        return 0
