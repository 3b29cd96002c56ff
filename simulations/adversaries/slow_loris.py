"""Slow-loris: takes up room and time by being slow.

From a second port it opens handshake after handshake with one victim, shows a cookie when it is asked for one, and
never finishes any. And whoever asks its nodes something gets the answer at the last moment.
"""

from __future__ import annotations

from ...dht.messages import Request
from ...dht.server import Answers
from ...wire.contact import Contact
from ...wire.endpoint import Endpoint
from ...wire.handshake import Initiation
from ...wire.packet import COOKIE, destination_id
from ..host import Host
from .adversary import Adversary
from .first_packets import EARLY, FirstPackets

LATE_S = 0.45
"""How long an answer takes: just within the time-out for a peer that was never measured (0.5 s)."""

OPEN_MAX = 4096
"""Handshakes whose cookies it still answers."""


class LateServer:
    """Hold every answer back."""

    def __init__(self, honest: Answers, group: SlowLoris, host: Host) -> None:
        self._honest = honest
        self._group = group
        self._host = host

    def reply(
        self, request_id: int, request: Request, sender: Contact, now: float, size_max: int
    ) -> bytes | None:
        """Return nothing now; the answer follows in the session."""
        data = self._honest.reply(request_id, request, sender, now, size_max)
        if data is not None:
            if self._host.overlay.config.ask_once:
                # Whoever asks once leaves no session behind, in which a late answer could come: make one until then.
                self._group.after(0.0, lambda: self._call(sender))
            self._group.after(LATE_S, lambda: self._send(data, sender))
        return None

    def _call(self, sender: Contact) -> None:
        host = self._host
        if host.up and host.overlay.lines.find(sender.node_id) is None:
            host.overlay.connect(sender, host.clock.now(), lambda line, error: None)
            host.pump.kick()

    def _send(self, data: bytes, sender: Contact) -> None:
        line = self._host.overlay.lines.find(sender.node_id) if self._host.up else None
        if line is not None and line.session.closed is None:
            self._group.late += 1
            line.session.send_rpc(data)
            self._host.overlay.lines.mark(line)
            self._host.pump.kick()


class Opener:
    """Open handshakes from a port of its own, and leave them."""

    def __init__(self, group: SlowLoris, host: Host) -> None:
        self._packets = FirstPackets(group.stage, host)
        self._group = group
        self._endpoint = host.endpoint._replace(port=host.endpoint.port + 1)
        self._open: dict[int, Initiation] = {}
        group.stage.network.attach(self._endpoint, host.index, self._receive)

    def open(self, host: Host) -> None:
        """Open one more."""
        local_id, initiation = self._packets.initiation(self._group.victim.identity.public_key)
        if len(self._open) >= OPEN_MAX:
            del self._open[next(iter(self._open))]
        self._open[local_id] = initiation
        self._send(initiation.packet(early=EARLY))

    def _receive(self, packet: bytes, source: Endpoint) -> None:
        initiation = self._open.get(destination_id(packet))
        if initiation is not None and packet[0] == COOKIE:
            cookie = initiation.receive(packet)
            if isinstance(cookie, bytes):
                self._group.cookies += 1
                self._send(initiation.packet(cookie=cookie))

    def _send(self, packet: bytes) -> None:
        self._packets.send(packet, self._endpoint, self._group.victim.endpoint)


class SlowLoris(Adversary):
    """Nodes that never finish."""

    victim: Host

    def prepare(self) -> None:
        """Choose the victim of the handshakes."""
        self.victim = self.choose_victim()
        self.late = 0
        self.cookies = 0

    def equip(self, host: Host) -> None:
        """Be late, and open handshakes."""
        host.overlay.dht.server = LateServer(host.overlay.dht.server, self, host)
        opener = Opener(self, host)
        self.every(1 / self.spec.packets_per_s, host, opener.open)
