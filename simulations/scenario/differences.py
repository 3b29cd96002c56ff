"""In what two scenarios differ, as the changes that make one of the other: what a replay line has to say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .schema import Part, Scenario
from .shape import NONE, Key, keys_of
from .writing import plain

Change = tuple[str, str]


def changes_between(before: Scenario, after: Scenario) -> dict[str, str]:
    """Return the changes that make one scenario of another, as `with_changes` takes them."""
    return dict(_between(before, after, ""))


def _between(before: Part, after: Part, prefix: str) -> Iterator[Change]:
    """Compare two tables of the same class."""
    for key in keys_of(type(after)).values():
        old, new = getattr(before, key.name), getattr(after, key.name)
        if old != new:
            yield from _changed(key, old, new, f"{prefix}{key.name}")


def _changed(key: Key, old: Any, new: Any, name: str) -> Iterator[Change]:
    if key.is_array:
        yield from _arrays(key, old, new, name)
    elif isinstance(new, Part):
        yield from _between(old, new, f"{name}.") if isinstance(old, Part) else _made(new, name)
    elif isinstance(new, dict):
        yield from ((f"{name}.{word}", text) for word, text in new.items() if old.get(word) != text)
        yield from ((f"{name}.{word}", NONE) for word in old if word not in new)
    else:
        yield name, _text(key, new)


def _arrays(key: Key, old: tuple[Part, ...], new: tuple[Part, ...], name: str) -> Iterator[Change]:
    """Compare table by table; those that are too many are taken away."""
    for index, table in enumerate(new):
        here = f"{name}.{index}"
        yield from _between(old[index], table, f"{here}.") if index < len(old) else _made(table, here)
    yield from ((f"{name}.{index}", NONE) for index in range(len(new), len(old)))


def _made(table: Part, name: str) -> Iterator[Change]:
    """Make a table that is not there; one of defaults only needs one of them said."""
    changes = [change for key in keys_of(type(table)).values() for change in _not_default(key, table, name)]
    plain_keys = [key for key in keys_of(type(table)).values() if key.table is None]
    yield from changes or [(f"{name}.{plain_keys[0].name}", _text(plain_keys[0], plain_keys[0].default))]


def _not_default(key: Key, table: Part, name: str) -> Iterator[Change]:
    value = getattr(table, key.name)
    if key.required:
        yield f"{name}.{key.name}", _text(key, value)
    elif value != key.default:
        yield from _changed(key, key.default, value, f"{name}.{key.name}")


def _text(key: Key, value: object) -> str:
    """Return a value as a command line takes it."""
    in_file = plain(key, value)
    if isinstance(in_file, bool):
        return str(in_file).lower()
    return ",".join(in_file) if isinstance(in_file, list) else str(in_file)
