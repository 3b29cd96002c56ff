"""Carry the DHT's requests: over the line there is, inside the first packet of a call, or over the line to come."""

from __future__ import annotations

from ...dht.dht import Dht
from ...wire.contact import Contact
from ...wire.endpoint import Endpoint
from ...wire.identity import PublicKey
from .config import OverlayConfig
from .dialing import Connected
from .handshakes import Handshakes
from .lines import LineTable
from .stream_paths import StreamPaths
from .tcp_instead import TcpInstead


class Calling:
    """Call peers, for the DHT and for whoever wants a line."""

    def __init__(
        self,
        config: OverlayConfig,
        dht: Dht,
        lines: LineTable,
        handshakes: Handshakes,
        streams: StreamPaths,
    ) -> None:
        self._dht = dht
        self._lines = lines
        self._handshakes = handshakes
        self._streams = streams
        self.tcp_instead = TcpInstead(config, lines, handshakes, streams)

    def call(
        self,
        key: PublicKey | None,
        endpoints: tuple[Endpoint, ...],
        done: Connected | None,
        now: float,
        early: bytes = b"",
        once: bool = False,
        message: bytes = b"",
    ) -> None:
        """Call a peer at its endpoints; `done` is told the outcome."""
        self._streams.call(endpoints)
        self._handshakes.dial(key, endpoints, early, done, now, once=once, message=message)
        dial = self._handshakes.dialing(key.node_id if key is not None else endpoints[0])
        if dial is not None:
            self.tcp_instead.called(dial, now)

    def send_requests(self, now: float) -> None:
        """Send what the DHT wants to ask."""
        for request in self._dht.take_requests():
            contact = request.contact
            line = self._lines.find(contact.node_id)
            if line is not None and not (request.idempotent and line.endpoint.family != contact.family):
                self._lines.send_rpc(line, request.payload, now)
                if line.asked(now):
                    self._lines.deadlines.arm(line)
            elif request.idempotent:
                # The other address of a peer is met without a second session.
                self._call_with(contact, request.payload, now, once=line is not None)
            else:
                self._call_then(contact, request.payload, now)

    def _call_with(self, contact: Contact, payload: bytes, now: float, *, once: bool) -> None:
        dial = self._handshakes.dialing(contact.node_id)
        if dial is not None and dial.queue_request(payload):
            self._handshakes.send_again(dial)
        elif dial is None:
            self.call(contact.public_key, (contact.endpoint,), None, now, early=payload, once=once)

    def _call_then(self, contact: Contact, payload: bytes, now: float) -> None:
        dial = self._handshakes.dialing(contact.node_id)
        if dial is None:
            self.call(contact.public_key, (contact.endpoint,), None, now)
            dial = self._handshakes.dialing(contact.node_id)
        if dial is not None:
            dial.queue_request(payload)
