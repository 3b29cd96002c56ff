"""Nobody can make a node send much to somebody else.

To an endpoint that has not shown that it receives there, a node sends no more bytes than came from it; handshakes keep
to once as many, everything together to three times (RFC 9000, section 8). An endpoint has shown it when the host that
really is there sends something after it was sent something. What a node sends of itself, its own first packets, answers
nobody and does not count. Endpoints are followed from the first packet with a false source on, and all of those that
send to a few watched hosts. They are those on the wire: a host behind a box goes by the box's, and by another one when
the box gives it one. What came through a relay pays for what goes to where that relay says it comes from, and tokens
that show whether strangers get in count by themselves (paid_for.py). TCP is left out: its own handshake shows that both
sides receive where they say.
"""

from __future__ import annotations

from ...wire.endpoint import Endpoint
from ...wire.packet import INITIAL
from ..network.attachment import NOBODY
from ..network.network import Packet
from ..stage import Stage
from .check import Check
from .paid_for import PaidFor
from .truth import Truth

WATCHED = 32
"""Honest hosts of which every peer is followed."""

FOLLOWED_MAX = 100_000
"""Pairs of endpoints that are followed at once, about 250 bytes each; the oldest goes."""

HANDSHAKE_FACTOR = 1
ANYTHING_FACTOR = 3

HANDSHAKES = range(0x80, 0x85)
"""First bytes of the packets that make a session; RESET and data are the rest."""


class Account:
    """What went between an endpoint of a host and a peer's that has not shown itself."""

    __slots__ = ("called", "came", "handshakes", "proved", "went")

    def __init__(self) -> None:
        self.came = 0
        self.went = 0
        self.handshakes = 0
        self.called = False
        """The host sent a first packet of its own there."""
        self.proved = False


class Amplification(Check):
    """Out at most as much as in."""

    name = "amplification"
    about = "an endpoint that proved nothing gets no more handshake bytes than it sent, and 3 times that of anything"

    def __init__(self, stage: Stage, truth: Truth) -> None:
        super().__init__(stage, truth)
        self._step = max(1, stage.scenario.population.nodes // WATCHED)
        self._doubled = 2 if stage.scenario.links.duplicate else 1
        """A packet that the network doubles comes twice, and is answered twice."""
        self._boxed = stage.scenario.nat is not None
        self._met: dict[tuple[int, Endpoint], None] = {}
        """Who has shown itself to which host: a box that gives the host another endpoint changes nothing about it."""
        self._accounts: dict[tuple[Endpoint, Endpoint], Account] = {}
        """By the endpoint under which a host is known to a peer, and that of the peer."""
        self.worst = 0.0
        """Largest ratio of bytes out to bytes in that was seen with an endpoint that proved nothing."""
        self._paid_for = PaidFor()
        stage.network.taps.append(self._passed)

    def _passed(
        self, now_ns: int, sender: int, receiver: int, source: Endpoint, destination: Endpoint, packet: Packet
    ) -> None:
        if destination.transport != "udp":
            return
        account = self._accounts.get((source, destination))
        if account is None and sender % self._step == 0:
            account = self._open(sender, source, destination)
        if account is not None and not account.proved:
            self._went(sender, destination, account, packet)
        false = self._is_false(sender, source)
        account = self._accounts.get((destination, source))
        if account is None and (false or receiver % self._step == 0 or self._may_come(receiver)):
            account = self._open(receiver, destination, source)
        if account is not None and not account.proved:
            account.came += self._doubled * len(packet)
            account.proved = not false and (account.called or account.went > 0)
            if account.proved and self._boxed and receiver != NOBODY:
                self._note_met(receiver, source)

    def _went(self, sender: int, destination: Endpoint, account: Account, packet: Packet) -> None:
        if packet[0] == INITIAL:
            account.called = True
            return
        host = self.stage.population.hosts.get(sender)
        if self._paid_for.is_token(packet):
            if (
                host is not None
                and host.honest
                and not self._paid_for.may_send_token(host, self.stage.world.now())
            ):
                self.violated(sender, f"more tokens than may be, the last to {destination}")
            return
        account.went += len(packet)
        if packet[0] in HANDSHAKES:
            account.handshakes += len(packet)
        if host is None or not host.honest:
            return
        paid = account.came
        if account.went > paid and host.up:
            if self._paid_for.is_called(host, destination):
                return
            paid += self._paid_for.introduced(host, destination)
        self.worst = max(self.worst, account.went / max(paid, 1))
        if account.handshakes > HANDSHAKE_FACTOR * paid:
            self._report(sender, destination, account.handshakes, "of handshakes", paid)
        elif account.went > ANYTHING_FACTOR * paid:
            self._report(sender, destination, account.went, "in all", paid)

    def _open(self, index: int, own: Endpoint, peer: Endpoint) -> Account:
        """Begin to follow an endpoint; one that the host has a session with, or calls, has shown itself before."""
        if len(self._accounts) >= FOLLOWED_MAX:
            del self._accounts[next(iter(self._accounts))]
        account = self._accounts[own, peer] = Account()
        host = self.stage.population.hosts.get(index)
        if host is not None and host.up:
            lines = host.overlay.lines.by_local_id.values()
            account.proved = (index, peer) in self._met or any(line.session.path == peer for line in lines)
        return account

    def _note_met(self, index: int, peer: Endpoint) -> None:
        if len(self._met) >= FOLLOWED_MAX:
            del self._met[next(iter(self._met))]
        self._met[index, peer] = None

    def _may_come(self, receiver: int) -> bool:
        """Tell whether somebody who is nobody yet may get the packet: boxes let in when it arrives."""
        return self._boxed and receiver == NOBODY

    def _report(self, sender: int, destination: Endpoint, went: int, what: str, paid: int) -> None:
        self.violated(
            sender, f"{went} bytes {what} went to {destination}, which proved nothing and sent {paid}"
        )

    def _is_false(self, sender: int, source: Endpoint) -> bool:
        """Tell whether the sender is not where the packet says; behind a box it cannot say anything but the truth."""
        host = self.stage.population.hosts.get(sender)
        if host is None or source == host.endpoint or self.stage.network.box_of(sender) is not None:
            return host is None
        return all(endpoint.host != source.host for endpoint in host.endpoints)
