"""Write a scenario as TOML that reads back equal: only what differs from the defaults."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from .schema import Part, Scenario
from .shape import BARE_KEY, NONE, Key, keys_of
from .units import Multiple, Share, written


def write(scenario: Scenario) -> str:
    """Return a scenario as the text of a file."""
    return "\n".join(_table_lines(document_of(scenario), "")).strip() + "\n"


def document_of(part: Part) -> dict[str, Any]:
    """Return a table as a file would hold it, without what has its default."""
    document: dict[str, Any] = {}
    for key in keys_of(type(part)).values():
        value = getattr(part, key.name)
        if key.required or value != key.default:
            document[key.name] = plain(key, value)
    return document


def plain(key: Key, value: Any) -> Any:
    """Return a value as a file holds it."""
    if value is None:
        return NONE
    if key.is_array:
        return [document_of(table) for table in value]
    if isinstance(value, Part):
        return document_of(value)
    if key.unit is not None:
        text = written(key.unit, value)
        return float(text) if key.unit in (Share, Multiple) and not text.endswith("%") else text
    if isinstance(value, dict):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value


def _table_lines(table: Mapping[str, Any], prefix: str) -> Iterator[str]:
    """Give the lines of a table: its values, and then the tables in it."""
    inner = {name: value for name, value in table.items() if _is_table(value)}
    yield from (f"{_key(name)} = {_value(value)}" for name, value in table.items() if name not in inner)
    for name, value in inner.items():
        path = f"{prefix}{_key(name)}"
        for each in value if isinstance(value, list) else [value]:
            yield ""
            yield f"[[{path}]]" if isinstance(value, list) else f"[{path}]"
            yield from _table_lines(each, f"{path}.")


def _is_table(value: object) -> bool:
    return isinstance(value, dict) or (
        isinstance(value, list) and any(isinstance(item, dict) for item in value)
    )


def _key(name: str) -> str:
    return name if BARE_KEY.fullmatch(name) else _text(name)


def _value(value: object) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool):
        return str(value).lower()
    return f"[{', '.join(_value(item) for item in value)}]" if isinstance(value, list) else repr(value)


def _text(text: str) -> str:
    # JSON's escapes are TOML's too; only DEL has to be escaped here and not there.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
