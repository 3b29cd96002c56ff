"""What an object holds, as plain values: to see what changed in it, and how much it holds."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Mapping
from typing import Any

PLAIN = (type(None), bool, int, float, str, bytes)


def state_of(root: object, ignored: frozenset[str] = frozenset()) -> dict[str, object]:
    """Return the values that are reached from an object, by the path to each; attributes of ignored names are left out.

    Functions and foreign objects (ciphers, sockets) have no state here.
    """
    found: dict[str, object] = {}
    seen: dict[int, str] = {}
    _walk(root, "", found, seen, ignored)
    return found


def changes(before: dict[str, object], after: dict[str, object]) -> dict[str, tuple[object, object]]:
    """Return what differs, by path."""
    paths = dict.fromkeys((*before, *after))
    return {
        path: (before.get(path), after.get(path)) for path in paths if before.get(path) != after.get(path)
    }


def _walk(
    thing: Any, path: str, found: dict[str, object], seen: dict[int, str], ignored: frozenset[str]
) -> None:
    if isinstance(thing, PLAIN):
        found[path] = thing
        return
    if id(thing) in seen:
        found[path] = f"same as {seen[id(thing)]}"
        return
    seen[id(thing)] = path
    if isinstance(thing, random.Random):
        found[path] = thing.getstate()
    elif isinstance(thing, (bytearray, memoryview)):
        found[path] = bytes(thing)
    else:
        for name, inner in _parts(thing):
            if name not in ignored:
                _walk(inner, f"{path}.{name}", found, seen, ignored)


def _parts(thing: Any) -> list[tuple[str, Any]]:
    if isinstance(thing, Mapping):
        return [(_key(key), value) for key, value in thing.items()]
    if isinstance(thing, (list, tuple, deque, set, frozenset)):
        return [(str(index), value) for index, value in enumerate(thing)]
    if not type(thing).__module__.startswith("mesh99."):
        return []
    names = [name for cls in type(thing).__mro__ for name in _slots(cls)]
    parts = [(name, getattr(thing, name)) for name in names if hasattr(thing, name)]
    return parts + list(vars(thing).items() if hasattr(thing, "__dict__") else ())


def _slots(cls: type) -> tuple[str, ...]:
    slots = cls.__dict__.get("__slots__", ())
    names = (slots,) if isinstance(slots, str) else tuple(slots)
    return tuple(name for name in names if name not in ("__dict__", "__weakref__"))


def _key(key: object) -> str:
    return key.hex()[:16] if isinstance(key, bytes) else str(key)
