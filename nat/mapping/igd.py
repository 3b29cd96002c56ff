"""Get ports from a UPnP router (Internet Gateway Device, WANIPConnection versions 1 and 2).

A dialogue is a generator: it yields what to ask over HTTP, is sent what was answered (None: nothing usable), and
returns what came of it. It raises NoMapping when the router refuses and DecodeError when it makes no sense.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Generator
from random import Random
from typing import NamedTuple, TypeAlias, TypeVar

from ...wire.endpoint import Endpoint
from ...wire.errors import DecodeError, NoMapping
from . import soap
from .answer import LIFE_S_MAX, TRANSPORTS
from .config import MappingConfig
from .description import VERSION_2, Service, services
from .lease import Lease, Mapped
from .url import Url

NAME = "upnp-igd"
DESCRIPTION = "mesh99"
"""What people read in the router's list of mappings."""

SERVICES_MAX = 4
"""Services of one device tried; a router has one or two."""

PORT_TRIES = 6
"""Calls made for one mapping, each after a refusal that another port or life may cure."""

PORT_MIN, PORT_MAX = 10_000, 65_535
"""Outer ports tried when the wanted one is another host's; the lower ones belong to services."""

NO_SUCH_ACTION = (401, 602)
OTHER_PORT = (716, 718)
PERMANENT_ONLY = 725

T = TypeVar("T")


class HttpRequest(NamedTuple):
    """A call (POST), or without an action the reading of a document (GET)."""

    url: Url
    action: str = ""
    body: bytes = b""


class HttpAnswer(NamedTuple):
    """A status and a body of bounded size."""

    status: int
    body: bytes


Dialogue: TypeAlias = Generator[HttpRequest, HttpAnswer | None, T]


class IgdClient:
    """Keep this node's port mapped at one UPnP router, without sockets and clock."""

    def __init__(self, location: Url, own: Endpoint, config: MappingConfig, random: Random) -> None:
        self._location = location
        self._own = own
        self._life_s = config.life_s
        self._random = random
        self._service: Service | None = None
        self._ports: dict[str, int] = {}

    def map(self, now: float) -> Dialogue[Mapped]:
        """Map the port, or renew what is mapped; TCP may be refused, UDP must not."""
        service, external_host = yield from self._served()
        leases = [(yield from self._open(service, "udp", now))]
        try:
            leases.append((yield from self._open(service, "tcp", now)))
        except (NoMapping, DecodeError):
            self._ports.pop("tcp", None)
        return Mapped(NAME, external_host, tuple(leases))

    def unmap(self) -> Dialogue[None]:
        """End what is mapped; what the router does not take back ends by itself."""
        for transport in TRANSPORTS:
            port = self._ports.pop(transport, 0)
            if port and self._service is not None:
                arguments = {"NewRemoteHost": "", "NewExternalPort": port, "NewProtocol": transport.upper()}
                try:
                    yield from self._call(self._service, "DeletePortMapping", arguments)
                except (NoMapping, DecodeError):
                    continue

    def _served(self) -> Dialogue[tuple[Service, str]]:
        """Return a service that knows its outer address, and that."""
        if self._service is None:
            document = yield from self._ask(HttpRequest(self._location))
            found = services(document.body, self._location)
        else:
            found = [self._service]
        for service in found[:SERVICES_MAX]:
            try:
                host = yield from self._external_host(service)
            except (NoMapping, DecodeError):
                continue
            self._service = service
            return service, host
        raise NoMapping(self._location.host, "it has no connection to the outside")

    def _external_host(self, service: Service) -> Dialogue[str]:
        returned = yield from self._call(service, "GetExternalIPAddress", {})
        try:
            address = ipaddress.IPv4Address(returned.get("NewExternalIPAddress", ""))
        except ValueError:
            raise DecodeError("soap", "no address") from None
        if address.is_unspecified:
            raise NoMapping(self._location.host, "it has no address outside")
        return str(address)

    def _open(self, service: Service, transport: str, now: float) -> Dialogue[Lease]:
        port = self._ports.get(transport) or self._ports.get("udp") or self._own.port
        any_port = service.kind == VERSION_2
        for _ in range(PORT_TRIES):
            try:
                port = yield from self._add(service, transport, port, any_port=any_port)
            except NoMapping as refusal:
                if refusal.code in NO_SUCH_ACTION and any_port:
                    any_port = False
                elif refusal.code in OTHER_PORT:
                    port = self._random.randint(PORT_MIN, PORT_MAX)
                elif refusal.code == PERMANENT_ONLY and self._life_s:
                    self._life_s = 0
                else:
                    raise
                continue
            self._ports[transport] = port
            # A life of 0 has no end: it is looked after like a long one.
            life_s = float(self._life_s or LIFE_S_MAX)
            return Lease(transport, port, life_s, now + life_s)
        raise NoMapping(self._location.host, "no outer port is free")

    def _add(self, service: Service, transport: str, port: int, *, any_port: bool) -> Dialogue[int]:
        """Ask for one mapping and return its outer port."""
        arguments = {
            "NewRemoteHost": "",
            "NewExternalPort": port,
            "NewProtocol": transport.upper(),
            "NewInternalPort": self._own.port,
            "NewInternalClient": self._own.host,
            "NewEnabled": 1,
            "NewPortMappingDescription": DESCRIPTION,
            "NewLeaseDuration": self._life_s,
        }
        action = "AddAnyPortMapping" if any_port else "AddPortMapping"
        returned = yield from self._call(service, action, arguments)
        return _port(returned.get("NewReservedPort", "")) if any_port else port

    def _call(self, service: Service, action: str, arguments: dict[str, object]) -> Dialogue[dict[str, str]]:
        body = soap.request(service.kind, action, arguments)
        answer = yield from self._ask(HttpRequest(service.control, f"{service.kind}#{action}", body))
        return soap.response(answer.body, action)

    def _ask(self, request: HttpRequest) -> Dialogue[HttpAnswer]:
        answer = yield request
        if answer is None:
            raise NoMapping(request.url.host, "no answer")
        if answer.status == 500:
            code = soap.fault(answer.body)
            raise NoMapping(request.url.host, soap.reason_of(code), code)
        if answer.status != 200:
            raise NoMapping(request.url.host, f"HTTP status {answer.status}")
        return answer


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 5 and 0 < int(text) < 65_536):
        raise DecodeError("soap", "no port")
    return int(text)
