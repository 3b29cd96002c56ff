"""What the tables of a scenario hold, taken from the classes themselves, so that it is said once.

`keys_of(Links)` gives its keys with their kinds and defaults; reading explains mistakes with it, writing and changing
find their way through it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache

from msgspec import NODEFAULT, inspect

from .schema import Part, Scenario
from .units import UNITS, Unit, shown

Path = Sequence[str | int]
"""The way to a value: keys, and indices into arrays."""

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
"""A key that TOML takes without quotes."""

NONE = "none"
"""What a file says where an optional key shall have no value, although it has one by default."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a table."""

    name: str
    kind: inspect.Type
    """What it holds, apart from None."""
    optional: bool
    required: bool
    default: object

    @property
    def unit(self) -> type[Unit] | None:
        """Return the class of a number that is written with its unit."""
        if isinstance(self.kind, inspect.CustomType):
            return next((unit for unit in UNITS if self.kind.cls is unit), None)
        return None

    @property
    def table(self) -> type[Part] | None:
        """Return the class of the table, or of each table of the array, that it holds."""
        kind = self.kind.item_type if isinstance(self.kind, inspect.VarTupleType) else self.kind
        return kind.cls if isinstance(kind, inspect.StructType) else None  # type: ignore[return-value]

    @property
    def is_array(self) -> bool:
        """Tell whether it may stand there more than once."""
        return isinstance(self.kind, inspect.VarTupleType) and self.table is not None


@cache
def keys_of(part: type[Part]) -> dict[str, Key]:
    """Return the keys of a table, in the order of their definition."""
    shape = inspect.type_info(part)
    assert isinstance(shape, inspect.StructType)
    return {field.name: _key(field) for field in shape.fields}


def _key(field: inspect.Field) -> Key:
    kinds = field.type.types if isinstance(field.type, inspect.UnionType) else (field.type,)
    kind = next(kind for kind in kinds if not isinstance(kind, inspect.NoneType))
    default = field.default_factory() if field.default_factory is not NODEFAULT else field.default
    return Key(field.name, kind, len(kinds) > 1, field.required, default)


def key_text(path: Path) -> str:
    """Return a path as people write it: `fault[2].at`."""
    text = ""
    for step in path:
        name = str(step) if BARE_KEY.fullmatch(str(step)) else shown(step)
        text += f"[{step}]" if isinstance(step, int) else f".{name}" if text else name
    return text


def unknown_key(part: type[Part], name: str) -> str:
    """Say that a table has no such key, what was probably meant, and which it has."""
    known = keys_of(part)
    close = get_close_matches(name.replace("-", "_"), known, n=1)
    elsewhere = [other for other in _all_keys() if other.rpartition(".")[2] == name]
    meant = close[0] if close else " or ".join(elsewhere[:2])
    return "unknown key" + (f" (did you mean {meant}?)" if meant else "") + f"; allowed: {', '.join(known)}"


@cache
def _all_keys() -> tuple[str, ...]:
    """Return every key of a scenario with the tables it stands in."""
    found: list[str] = []
    waiting: list[tuple[str, type[Part]]] = [("", Scenario)]
    while waiting:
        prefix, part = waiting.pop(0)
        for key in keys_of(part).values():
            found.append(prefix + key.name)
            if key.table is not None:
                waiting.append((f"{prefix}{key.name}.", key.table))
    return tuple(found)
