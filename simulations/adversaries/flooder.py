"""Flooder: packets at a steady rate at one victim: first packets, true and with false source addresses, and requests.

Of four beats two are first packets from its own address, one is a first packet that seems to come from a bystander (who
would get the answers), and one is a batch of requests in a session that it holds like any peer.
"""

from __future__ import annotations

from ...dht.messages import FindNode, encode_request
from ...node.overlay.line import Line
from ...wire.errors import MeshError
from ..host import Host
from .adversary import Adversary
from .first_packets import FirstPackets

REQUESTS_PER_BEAT = 8
"""Requests of one beat in the session: as many as fit a datagram or two."""

BEATS = 4


class Flooder(Adversary):
    """Flood one victim."""

    victim: Host

    def prepare(self) -> None:
        """Choose the victim."""
        self.victim = self.choose_victim()
        self.beats = 0
        self.spoofed = 0

    def equip(self, host: Host) -> None:
        """Begin to send."""
        packets = FirstPackets(self.stage, host)
        self.every(1 / self.spec.packets_per_s, host, lambda sender: self._beat(packets))

    def _beat(self, packets: FirstPackets) -> None:
        self.beats += 1
        host, victim = packets.host, self.victim
        if self.beats % BEATS == 0:
            self._ask(host)
            return
        source = host.endpoint
        if self.beats % BEATS == 1:
            self.spoofed += 1
            source = self.choose_victim().endpoint
        if source != victim.endpoint:
            packets.send(packets.packet(victim.identity.public_key), source, victim.endpoint)

    def _ask(self, host: Host) -> None:
        now = host.clock.now()

        def connected(line: Line | None, error: MeshError | None) -> None:
            if line is not None:
                for _ in range(REQUESTS_PER_BEAT):
                    request_id = self.random.getrandbits(32)
                    line.session.send_rpc(encode_request(request_id, FindNode(self.random.randbytes(32))))
                host.overlay.lines.mark(line)

        host.overlay.connect(self.victim.contact, now, connected)
        host.pump.kick()
