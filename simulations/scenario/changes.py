"""Change a scenario by keys and texts, as people write them on a command line: `churn.session.scale=2h`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec import inspect

from ...wire.errors import ConfigError
from .reading import scenario_of
from .schema import Part, Scenario
from .shape import NONE, Key, key_text, keys_of, unknown_key
from .units import shown
from .writing import document_of

STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]")

Steps = tuple[str | int, ...]

TRUTHS = {"true": True, "false": False}


def with_changes(scenario: Scenario, changes: Mapping[str, str]) -> Scenario:
    """Return a scenario with other values at dotted keys (`fault.0.share`); raises ConfigError.

    `none` is no value where there may be none, and the default elsewhere; it takes a table away. The index after the
    last appends a table. Indices are those of before: tables are taken away at the end.
    """
    return scenario_of(changed_document(scenario, changes))


def changed_document(scenario: Scenario, changes: Mapping[str, str]) -> dict[str, Any]:
    """Return the tables of the changed scenario as a file would hold them, not yet checked as a whole."""
    document = document_of(scenario)
    for dotted, text in changes.items():
        _change(document, Scenario, _steps(dotted), text, ())
    for key in keys_of(Scenario).values():
        if key.is_array and key.name in document:
            document[key.name] = [table for table in document[key.name] if table is not None]
    return document


def _steps(dotted: str) -> list[str]:
    steps = [name or index for name, index in STEP.findall(dotted)]
    if not steps or re.sub(r"\[(\d+)\]", r".\1", dotted) != ".".join(steps):
        problem = "must be keys with dots between, such as churn.session.scale or fault.0.at"
        raise ConfigError(key_text([dotted]) if dotted else "key", problem)
    return steps


def _change(table: dict[str, Any], part: type[Part], steps: list[str], text: str, path: Steps) -> None:
    """Go down to the value at the end of `steps` and put another there."""
    name, rest = steps[0], steps[1:]
    here = (*path, name)
    key = keys_of(part).get(name)
    if key is None:
        raise ConfigError(key_text(here), unknown_key(part, name))
    if key.is_array:
        _change_array(table, key, rest, text, here)
    elif isinstance(key.kind, inspect.DictType):
        _change_texts(table, key, rest, text, here)
    elif key.table is not None and rest:
        _change(_opened(table, key), key.table, rest, text, here)
    elif rest:
        raise ConfigError(key_text((*here, *rest)), f"unknown key: {key_text(here)} is a value, not a table")
    else:
        _put(table, key, text, here)


def _opened(table: dict[str, Any], key: Key) -> dict[str, Any]:
    if not isinstance(table.get(key.name), dict):
        table[key.name] = {}
    inner: dict[str, Any] = table[key.name]
    return inner


def _change_array(table: dict[str, Any], key: Key, rest: list[str], text: str, path: Steps) -> None:
    if not rest and text == NONE:
        table.pop(key.name, None)
        return
    tables: list[dict[str, Any] | None] = table.setdefault(key.name, [])
    index = int(rest[0]) if rest and rest[0].isdecimal() else len(tables) + 1
    if len(rest) == 1 and text == NONE and index < len(tables):
        tables[index] = None
        return
    if len(rest) < 2 or index > len(tables):
        there = f"{key.name}.0 to {key.name}.{len(tables) - 1} are there and " if tables else ""
        raise ConfigError(
            key_text((*path, *rest)), f"needs an index and a key: {there}{key.name}.{len(tables)} adds one"
        )
    if index == len(tables):
        tables.append({})
    inner = tables[index]
    assert key.table is not None
    if inner is None:
        raise ConfigError(key_text((*path, *rest)), "was taken away by another change")
    _change(inner, key.table, rest[1:], text, (*path, index))


def _change_texts(table: dict[str, Any], key: Key, rest: list[str], text: str, path: Steps) -> None:
    if not rest and text == NONE:
        table.pop(key.name, None)
        return
    if len(rest) != 1:
        raise ConfigError(key_text((*path, *rest)), f"needs one name, such as {key.name}.lookup_success")
    texts = _opened(table, key)
    if text == NONE:
        texts.pop(rest[0], None)
    else:
        texts[rest[0]] = text


def _put(table: dict[str, Any], key: Key, text: str, path: Steps) -> None:
    if text == NONE and key.optional:
        table[key.name] = NONE
    elif text == NONE:
        table.pop(key.name, None)
    elif key.table is not None:
        problem = f"is a table: set one of its keys ({', '.join(keys_of(key.table))}), or none"
        raise ConfigError(key_text(path), problem)
    else:
        try:
            table[key.name] = _read(key, text)
        except ValueError as error:
            raise ConfigError(key_text(path), str(error)) from error


def _read(key: Key, text: str) -> object:
    """Return what a file would hold; numbers with units stay texts there."""
    if isinstance(key.kind, inspect.IntType):
        return _number(int, text, "a whole number")
    if isinstance(key.kind, inspect.FloatType):
        return _number(float, text, "a number")
    if isinstance(key.kind, inspect.BoolType):
        if text not in TRUTHS:
            raise ValueError(f"must be true or false, not {shown(text)}")
        return TRUTHS[text]
    if isinstance(key.kind, inspect.VarTupleType):
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def _number(kind: type[int] | type[float], text: str, allowed: str) -> float:
    try:
        return kind(text)
    except ValueError as error:
        raise ValueError(f"must be {allowed}, not {shown(text)}") from error
