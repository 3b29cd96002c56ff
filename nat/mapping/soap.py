"""SOAP as UPnP uses it (UPnP Device Architecture 1.1, section 3): an action with arguments, answered or refused."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from ...wire.errors import DecodeError
from .xml_tree import parse

ENVELOPE = (
    '<?xml version="1.0"?>\r\n'
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"'
    ' s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>'
    '<u:{action} xmlns:u="{service}">{arguments}</u:{action}>'
    "</s:Body></s:Envelope>\r\n"
)
FAULTS = {
    401: "no such action",
    402: "arguments not understood",
    501: "action failed",
    606: "not authorized",
    714: "no such mapping",
    715: "no mapping for every remote host",
    716: "no outer port of its own choice",
    718: "the outer port belongs to another host",
    724: "outer and inner port must be the same",
    725: "only mappings without an end",
    728: "no ports left",
}
"""What the error codes say (WANIPConnection:2, section 2.5; DeviceProtection)."""

_WHAT = "soap"


def request(service: str, action: str, arguments: Mapping[str, object]) -> bytes:
    """Return the body of a call."""
    listed = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in arguments.items())
    return ENVELOPE.format(action=action, service=escape(service), arguments=listed).encode()


def response(body: bytes, action: str) -> dict[str, str]:
    """Read what an action returned; raises DecodeError."""
    for element in parse(body).every(f"{action}Response"):
        return {child.name: child.text.strip() for child in element.children}
    raise DecodeError(_WHAT, "no response to the action")


def fault(body: bytes) -> int:
    """Return the error code of a refusal; raises DecodeError."""
    for element in parse(body).every("errorCode"):
        text = element.text.strip()
        if text.isascii() and text.isdecimal() and len(text) <= 4:
            return int(text)
    raise DecodeError(_WHAT, "no error code")


def reason_of(code: int) -> str:
    """Return what an error code says."""
    return FAULTS.get(code, f"error {code}")
