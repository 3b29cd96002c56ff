"""Errors of typed messages, and how they travel.

A refusal crosses the wire as (code, text, field); the asking side raises it as RemoteRejected.
"""

from __future__ import annotations

import re

from ...wire.errors import LocalError

INVALID = "invalid"
"""A field is missing or wrong; it is named."""
VERSION = "version"
"""Both sides have the type, in different versions."""
UNKNOWN_TYPE = "unknown_type"
"""Nobody handles this type there."""
FAILED = "failed"
"""The handler raised."""
BUSY = "busy"
"""The agent has as much work as it may hold."""

TEXT_CHARS_MAX = 400
"""Longest text of a refusal; the rest says nothing more to people."""

_PATH = re.compile(r"^(?P<text>.*?)(?: - at `(?:\$|key in \$)(?P<path>.*)`)?$", re.DOTALL)
_MISSING = re.compile(r"missing required field `(?P<name>[^`]+)`")


class InvalidMessage(LocalError):
    """A message that does not fit its own class; `field` is the path of what is wrong."""

    def __init__(self, type_name: str, field: str, problem: str) -> None:
        super().__init__(f"{type_name}.{field}: {problem}" if field else f"{type_name}: {problem}")
        self.type_name = type_name
        self.field = field
        self.problem = problem


def field_of(problem: str) -> tuple[str, str]:
    """Split msgspec's words into the field at fault and what is wrong with it."""
    match = _PATH.match(problem)
    text, path = (match["text"], match["path"] or "") if match else (problem, "")
    missing = _MISSING.search(text)
    if missing:
        path = f"{path}.{missing['name']}"
    return path.lstrip("."), text
