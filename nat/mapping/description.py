"""What a UPnP router says of itself: the services that map ports (UPnP Device Architecture 1.1, section 2.3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ...wire.errors import DecodeError
from .url import Url, join
from .xml_tree import Element, parse

VERSION_2 = "urn:schemas-upnp-org:service:WANIPConnection:2"
SERVICE_TYPES = (
    VERSION_2,
    "urn:schemas-upnp-org:service:WANIPConnection:1",
    "urn:schemas-upnp-org:service:WANPPPConnection:1",
)
"""Those that map ports, the best first."""


class Service(NamedTuple):
    """A kind of service, and where it takes calls."""

    kind: str
    control: Url


def services(document: bytes, location: Url) -> list[Service]:
    """Return the services of a description that map ports, the best first; raises DecodeError.

    One whose control URL leads to another host is left out.
    """
    root = parse(document)
    base_text = next((element.text.strip() for element in root.every("URLBase")), "")
    base = join(location, base_text) if base_text else location
    found = [service for element in root.every("service") for service in _service(element, base)]
    return sorted(found, key=lambda service: SERVICE_TYPES.index(service.kind))


def _service(element: Element, base: Url) -> Iterator[Service]:
    kind = element.text_of("serviceType")
    if kind in SERVICE_TYPES:
        try:
            yield Service(kind, join(base, element.text_of("controlURL")))
        except DecodeError:
            return
