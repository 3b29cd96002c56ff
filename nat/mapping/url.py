"""URLs that a device in the local network names: only such as lead back to that device itself.

Otherwise whoever answers a search could make this node send requests to any host (CWE-918).
"""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from ...wire.errors import DecodeError

URL_CHARACTERS_MAX = 512
"""Longest URL; routers name ones of 40."""

_WHAT = "url"
_PRINTABLE = re.compile(r"[!-~]*")


class Url(NamedTuple):
    """Where to send a request over HTTP."""

    host: str
    port: int
    path: str

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}{self.path}"


def parse_at(text: str, host: str) -> Url:
    """Read a URL that must name this host by its address; raises DecodeError."""
    if len(text) > URL_CHARACTERS_MAX or not _PRINTABLE.fullmatch(text):
        raise DecodeError(_WHAT, "too long, or with strange characters")
    try:
        parts = urlsplit(text)
        port = parts.port or 80
        named = ipaddress.ip_address(parts.hostname or "")
    except ValueError:
        raise DecodeError(_WHAT, "no address and port") from None
    if parts.scheme != "http" or "@" in parts.netloc:
        raise DecodeError(_WHAT, "no plain HTTP")
    if named != ipaddress.ip_address(host):
        raise DecodeError(_WHAT, "at another host than the one that named it")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Url(host, port, path)


def join(base: Url, text: str) -> Url:
    """Read a URL relative to another one, at the same host; raises DecodeError."""
    if len(text) > URL_CHARACTERS_MAX:
        raise DecodeError(_WHAT, "too long, or with strange characters")
    try:
        joined = urljoin(str(base), text)
    except ValueError:
        raise DecodeError(_WHAT, "no address and port") from None
    return parse_at(joined, base.host)
