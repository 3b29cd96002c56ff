"""Attributes: what an agent says about one of its capabilities, so that others can choose.

A small map from names to texts, numbers or lists of texts. Two names have a form of their own: `version` is dotted
numbers, `load` is from 0 (idle) to 1 (full). In bytes: one MessagePack array of name, value, name, value, ... in the
order of the names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isfinite
from typing import TypeAlias

from .codec import pack
from .errors import ConfigError, DecodeError

Value: TypeAlias = str | int | float | tuple[str, ...]
Attributes: TypeAlias = Mapping[str, Value]

ATTRIBUTES_MAX = 8
LIST_MAX = 16
NAME_BYTES_MAX = 32
TEXT_BYTES_MAX = 64
ATTRIBUTES_BYTES_MAX = 256
"""All of them, packed: with the largest of everything else a record has 1 KiB still."""
NUMBER_MAX = 2**53
"""From here on a float no longer tells neighbours apart, and JSON readers differ."""

NAME = re.compile(rf"[a-z][a-z0-9_.-]{{0,{NAME_BYTES_MAX - 1}}}")
VERSION = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9}){0,7}")
HINT = "as in version=2.1 region=eu load=0.2 tags=fr"


def checked(attributes: Mapping[str, object]) -> dict[str, Value]:
    """Return attributes in the one form they are published in; raises ConfigError that names the one at fault."""
    if len(attributes) > ATTRIBUTES_MAX:
        raise ConfigError("attributes", f"{len(attributes)} where at most {ATTRIBUTES_MAX} are allowed")
    checked = {name: _checked(name, attributes[name]) for name in sorted(attributes)}
    size = len(pack(flat(checked)))
    if size > ATTRIBUTES_BYTES_MAX:
        raise ConfigError("attributes", f"{size} bytes are over the limit of {ATTRIBUTES_BYTES_MAX}")
    return checked


def flat(attributes: Attributes) -> list[Value]:
    """Return names and values in turn, as they are written."""
    return [item for name in sorted(attributes) for item in (name, attributes[name])]


def unflat(items: object, what: str) -> dict[str, Value]:
    """Read what `flat` wrote; raises DecodeError."""
    if type(items) is not list or len(items) % 2:
        raise DecodeError(what, "attributes are no names and values in turn")
    names = items[::2]
    if any(type(name) is not str for name in names) or names != sorted(set(names)):
        raise DecodeError(what, "attributes have no names, or not in their order")
    try:
        return checked(dict(zip(names, items[1::2], strict=True)))
    except ConfigError as error:
        raise DecodeError(what, f"{error.field} out of bounds") from None


def _checked(name: str, value: object) -> Value:
    if not NAME.fullmatch(name):
        problem = (
            f"begins with a letter and has lower-case letters, digits and . _ - only, up to {NAME_BYTES_MAX}"
        )
        raise ConfigError("attribute", f"{name!r} is no name: one {problem}", HINT)
    if name == "version":
        return _version(value)
    if name == "load":
        return _load(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        if isfinite(value) and abs(value) <= NUMBER_MAX:
            return value
        raise ConfigError(name, f"{value} is over the limit of 2^53")
    if isinstance(value, str):
        return _text(name, value)
    if isinstance(value, list | tuple | set | frozenset):
        return _list(name, value)
    raise ConfigError(name, f"{value!r} is no text, number or list of texts", HINT)


def _version(value: object) -> str:
    text = str(value) if type(value) in (int, float) else value
    if not isinstance(text, str) or not VERSION.fullmatch(text):
        raise ConfigError("version", f"{value!r} is no dotted number", "as in 2 or 2.10.1")
    return text


def _load(value: object) -> int | float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
        raise ConfigError("load", f"{value!r} is not from 0 (idle) to 1 (full)", "as in load=0.25")
    return value


def _list(name: str, values: list[object] | tuple[object, ...] | set[object] | frozenset[object]) -> Value:
    if len(values) > LIST_MAX:
        raise ConfigError(name, f"{len(values)} texts where at most {LIST_MAX} are allowed")
    return tuple(sorted({_text(name, value) for value in values}))


def _text(name: str, value: object) -> str:
    """Refuse also what could move the cursor of a terminal."""
    if not isinstance(value, str):
        raise ConfigError(name, f"{value!r} is no text", HINT)
    if not value.isprintable() or not 1 <= len(value.encode(errors="replace")) <= TEXT_BYTES_MAX:
        raise ConfigError(name, f"{value!r} is not 1 to {TEXT_BYTES_MAX} bytes that can be printed")
    return value
