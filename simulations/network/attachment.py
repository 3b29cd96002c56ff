"""Where a host is connected to the network, and what it hears there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from ...wire.endpoint import Endpoint

if TYPE_CHECKING:
    from .stream_end import StreamEnd

NOBODY = 0xFFFFFFFF
"""Stands for an endpoint at which there is no node."""

EPHEMERAL_PORTS = range(32_768, 61_000)
"""Ports from which connections are opened, as on Linux."""

Receive = Callable[[bytes, Endpoint], None]
KnowsStream = Callable[[Endpoint], bool]


class StreamEvents(Protocol):
    """What a host that has TCP is told of its connections; node/pump.py is one."""

    def stream_opened(self, endpoint: Endpoint) -> None:
        """A connection that it asked for stands."""
        ...

    def stream_closed(self, endpoint: Endpoint) -> None:
        """A connection is gone or never came."""
        ...


class Attachment:
    """A host at an endpoint; it stays when the host goes, so that packets under way find who comes back."""

    __slots__ = (
        "_opened",
        "answers",
        "endpoint",
        "index",
        "knows_stream",
        "receive",
        "receiver",
        "stream_events",
        "streams",
    )

    def __init__(self, endpoint: Endpoint, index: int) -> None:
        self.endpoint = endpoint
        self.index = index
        self.receiver = NOBODY
        """The index while it is up."""
        self.receive: Receive | None = None
        self.stream_events: StreamEvents | None = None
        self.knows_stream: KnowsStream | None = None
        self.answers = False
        """The machine is on, so its system refuses connections to what does not run."""
        self.streams: dict[Endpoint, StreamEnd] = {}
        """Its TCP connections, by remote endpoint."""
        self._opened = 0

    def local_endpoint(self) -> Endpoint:
        """Return a TCP endpoint to open a connection from; ports are used in turn."""
        port = EPHEMERAL_PORTS[self._opened % len(EPHEMERAL_PORTS)]
        self._opened += 1
        return Endpoint("tcp", self.endpoint.host, port)


class Directory:
    """Who is attached where."""

    def __init__(self) -> None:
        self.by_endpoint: dict[Endpoint, Attachment] = {}
        self._by_host: dict[str, Attachment] = {}

    def add(self, endpoint: Endpoint, index: int) -> Attachment:
        """Return the attachment at a UDP endpoint; a new one if there was none."""
        attachment = self.by_endpoint.get(endpoint)
        if attachment is None:
            attachment = self.by_endpoint[endpoint] = Attachment(endpoint, index)
        self._by_host[endpoint.host] = attachment
        attachment.index = index
        return attachment

    def listening(self, endpoint: Endpoint) -> Attachment | None:
        """Return who takes connections to a TCP endpoint."""
        attachment = self.by_endpoint.get(endpoint._replace(transport="udp"))
        up = (
            attachment is not None and attachment.receive is not None and attachment.stream_events is not None
        )
        return attachment if up else None

    def machine(self, host: str) -> Attachment | None:
        """Return who is at an address, whatever the port."""
        return self._by_host.get(host)
