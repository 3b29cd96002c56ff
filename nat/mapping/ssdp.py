"""SSDP (UPnP Device Architecture 1.1, section 1.3): look for routers in the local network.

An answer counts when it comes from a local address and names a description at that same address.
"""

from __future__ import annotations

from ...wire.endpoint import PRIVATE, Endpoint
from ...wire.errors import DecodeError
from .url import Url, parse_at

GROUP = Endpoint("udp", "239.255.255.250", 1900)
TARGETS = (
    "urn:schemas-upnp-org:device:InternetGatewayDevice:2",
    "urn:schemas-upnp-org:device:InternetGatewayDevice:1",
)
"""Asked for each, since devices of either version may know only their own."""

ANSWER_BYTES_MAX = 2048
MX_S = 1
"""Devices spread their answers over so many seconds."""

_WHAT = "ssdp"


def searches() -> list[bytes]:
    """Return the packets of a search, to be sent to the group."""
    return [_search(target) for target in TARGETS]


def location(packet: bytes, source: Endpoint) -> Url:
    """Return where the device that answered describes itself; raises DecodeError."""
    if source.scope != PRIVATE:
        raise DecodeError(_WHAT, "from outside the local network")
    if len(packet) > ANSWER_BYTES_MAX:
        raise DecodeError(_WHAT, "too long")
    status, _, rest = packet.decode("latin-1").partition("\r\n")
    if status.split()[:2] not in (["HTTP/1.1", "200"], ["HTTP/1.0", "200"]):
        raise DecodeError(_WHAT, "no answer to a search")
    headers = {name.strip().lower(): value.strip() for name, _, value in map(_split, rest.split("\r\n"))}
    if headers.get("st") not in TARGETS:
        raise DecodeError(_WHAT, "not what was searched for")
    return parse_at(headers.get("location", ""), source.host)


def _split(line: str) -> tuple[str, str, str]:
    return line.partition(":")


def _search(target: str) -> bytes:
    lines = (
        "M-SEARCH * HTTP/1.1",
        f"HOST: {GROUP.host}:{GROUP.port}",
        'MAN: "ssdp:discover"',
        f"MX: {MX_S}",
        f"ST: {target}",
        "",
        "",
    )
    return "\r\n".join(lines).encode()
