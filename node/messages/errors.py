"""What can be wrong with a message, and how a refusal is worded.

Either side may find a message invalid. The sender's own program gets InvalidMessage before anything leaves; a receiver
answers with a code, a text and the field at fault, which the sender's program gets as RemoteRejected.
"""

from __future__ import annotations

import re

import msgspec

from ...wire.errors import InvalidMessage

__all__ = ["InvalidMessage", "Refused", "field_and_problem"]

UNKNOWN_TYPE = "unknown_type"
"""The peer has no handler for this type."""
VERSION = "version"
"""The peer handles this type, in another version."""
INVALID = "invalid"
"""The body does not fit the peer's class; the field is named."""
FAILED = "failed"
"""The peer's handler raised, or returned what cannot be sent."""
BUSY = "busy"
"""The peer works on as many requests as it may."""
CANCELLED = "cancelled"
"""The peer gave the request up, because it stops."""

MISFITS = (msgspec.MsgspecError, ValueError, TypeError, OverflowError, RecursionError, AttributeError)
"""What msgspec raises on values that do not fit and on bytes that do not parse."""

PATH = re.compile(r"(?P<problem>.*) - at (?:`key` in )?`\$\.?(?P<path>.*)`", re.DOTALL)
MISSING = re.compile(r"Object missing required field `(?P<name>.+)`")


class Refused(Exception):
    """Answer a request with an error; raised and caught within the dispatcher."""

    def __init__(self, code: str, text: str, field: str | None = None, hint: str | None = None) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text
        self.field = field
        self.hint = hint


def field_and_problem(error: Exception) -> tuple[str, str]:
    """Split msgspec's words into the path of the field and what is wrong with it."""
    text, path = str(error) or type(error).__name__, ""
    if match := PATH.fullmatch(text):
        text, path = match["problem"], match["path"]
    if missing := MISSING.fullmatch(text):
        return f"{path}.{missing['name']}".lstrip("."), "is missing"
    text = text.replace("`", "")
    return path, text[0].lower() + text[1:] if text[1:2].islower() else text
