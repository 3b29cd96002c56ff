"""Say what is wrong with a value in a scenario file, and what is allowed there.

msgspec finds the place; the words come from the classes, so that each message can name the keys, units and choices.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches

from msgspec import ValidationError, inspect

from .schema import Part, Scenario
from .shape import NONE, Key, keys_of, unknown_key
from .units import parse, shown

PLACE = re.compile(r" - at `\$([^`]*)`$")
STEP = re.compile(r"\.(\w+)|\[(\d+|\.\.\.)\]")

WORDS: dict[type[inspect.Type], str] = {
    inspect.IntType: "a whole number",
    inspect.FloatType: "a number",
    inspect.BoolType: "true or false",
    inspect.StrType: "a text in quotes",
}

Steps = tuple[str | int, ...]
Found = tuple[Steps, str]
"""Where, and what is wrong."""


def complaint(document: Mapping[str, object], error: ValidationError) -> Found:
    """Return the place of an error that msgspec found in a document, and what is allowed there."""
    place = PLACE.search(str(error))
    steps = STEP.findall(place[1]) if place else []
    return _walk(document, [name or index for name, index in steps])


def choices(allowed: tuple[str, ...], value: object) -> str:
    """Say which values are allowed, and which of them was probably meant."""
    close = get_close_matches(value, allowed, n=1) if isinstance(value, str) else []
    meant = f" (did you mean {close[0]}?)" if close else ""
    return f"must be one of {', '.join(allowed)}, not {shown(value)}{meant}"


def _walk(document: Mapping[str, object], steps: list[str]) -> Found:
    """Go down the tables as far as they are tables."""
    part: type[Part] = Scenario
    table = document
    path: Steps = ()
    while True:
        if not steps:
            return _in_table(part, table, path)
        key = keys_of(part)[steps.pop(0)]
        value, path = table[key.name], (*path, key.name)
        if key.is_array and isinstance(value, list):
            index = int(steps.pop(0))
            value, path = value[index], (*path, index)
        elif key.is_array:
            return path, f"must be an array of tables, [[{key.name}]], not {shown(value)}"
        if key.table is None or not isinstance(value, dict):
            return _in_value(key, value, path)
        part, table = key.table, value


def _in_table(part: type[Part], table: Mapping[str, object], path: Steps) -> Found:
    known = keys_of(part)
    for name in table:
        if name not in known:
            return (*path, name), unknown_key(part, name)
    missing = next(key for key in known.values() if key.required and key.name not in table)
    return (*path, missing.name), f"is missing: every {_table_text(path)} needs it"


def _in_value(key: Key, value: object, path: Steps) -> Found:
    kind = key.kind
    if key.table is not None:
        return path, f"must be a table, not {shown(value)}"
    if isinstance(kind, inspect.DictType):
        return _in_texts(value, path)
    if isinstance(kind, inspect.LiteralType):
        return path, choices(tuple(str(choice) for choice in kind.values), value)
    if isinstance(kind, inspect.VarTupleType):
        return path, f'must be an array of texts, such as ["all"], not {shown(value)}'
    return path, _wrong_unit(key, value) or f"must be {WORDS[type(kind)]}, not {shown(value)}"


def _in_texts(value: object, path: Steps) -> Found:
    for name, text in value.items() if isinstance(value, dict) else ():
        if not isinstance(text, str):
            return (*path, name), f'must be a comparison in quotes, such as ">= 0.99", not {shown(text)}'
    return path, f"must be a table, not {shown(value)}"


def _wrong_unit(key: Key, value: object) -> str:
    if key.unit is None:
        return ""
    try:
        parse(key.unit, value)
    except ValueError as error:
        return f'{error} (or "{NONE}")' if key.optional else str(error)
    return ""


def _table_text(path: Steps) -> str:
    names = [step for step in path if isinstance(step, str)]
    return f"[[{'.'.join(names)}]]" if path and isinstance(path[-1], int) else "scenario"
