"""What this node knows about being reached: where peers see it, whether strangers get in; and STUN on its socket."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from ...nat.behaviour import Filtering, Mapping, NatKind, kind_of
from ...nat.bucket import TokenBucket
from ...nat.candidates import Here
from ...nat.dialback import DialBack
from ...nat.messages import CallBack, Deliver, Reached, encode
from ...nat.observations import Observations
from ...nat.stun.binding import BindingServer
from ...nat.stun.message import MessageClass, Method, StunMessage, decode
from ...nat.stun.message import encode as encode_stun
from ...wire.endpoint import PUBLIC, Endpoint
from ...wire.errors import DecodeError
from ...wire.identity import NodeId
from .config import OverlayConfig
from .handshakes import Handshakes
from .line import Line
from .lines import LineTable
from .mapped_port import MappedPort
from .tcp_instead import TcpInstead

SENT_TO_MAX = 4096
"""Hosts remembered that something was sent to, about 100 bytes each; more are sent to in five minutes by few."""

OPENED_S = 300.0
"""How long a box may let a host in that something was sent to; RFC 4787 asks for two minutes."""


def unasked(response: StunMessage, source: Endpoint, now: float) -> bool:
    """Know of no request."""
    return False


class Reach:
    """Watch over where and how this node is reached."""

    def __init__(
        self,
        config: OverlayConfig,
        lines: LineTable,
        handshakes: Handshakes,
        tcp_instead: TcpInstead,
        send: Callable[[bytes, Endpoint], None],
        entropy: Callable[[int], bytes],
        now: float,
    ) -> None:
        self._config = config
        self.checks = config.checks_reach
        """Whether this node minds boxes at all."""
        self._lines = lines
        self._handshakes = handshakes
        self._tcp_instead = tcp_instead
        self._send = send
        self.observations = Observations(config.observers_max)
        self.dial_back = DialBack(config.dial_back, entropy)
        self.mapped_port = MappedPort(config.dial_back, entropy, self.observations)
        self.dial_back.on_result = self.mapped_port.on_result = self._say_what_is_known
        self.on_told: Callable[[Line, float], None] = lambda line, now: None
        """Told when a peer says that strangers reach it, or do not."""
        self.on_change: Callable[[], None] = lambda: None
        """Told when what this node should say of itself is not what it was: where it is seen, and its kind."""
        self._said: tuple[Endpoint | None, NatKind, Endpoint | None] = (None, NatKind.UNKNOWN, None)
        self.on_serving: Callable[[bool], None] = lambda serves: None
        """Told when this node begins or ends to relay for others."""
        self._deliveries = TokenBucket(
            config.dial_back.deliveries_per_s, config.dial_back.deliveries_burst, now
        )
        self._answers = TokenBucket(config.stun_per_s, config.stun_burst, now)
        self._stun = BindingServer()
        self._sent_to: dict[str, float] = {}
        """By host: when something was last sent there, the longest ago first."""
        self.dropped: Counter[str] = Counter()
        self.own_endpoints: tuple[Endpoint, ...] = ()
        """What this node's sockets are bound to, as their host knows."""
        self.answered: Callable[[StunMessage, Endpoint, float], bool] = unasked
        """Takes the answers to this node's own STUN requests; false when it is none."""

        self.witnessed: Callable[[bytes, Endpoint, float], bool] = lambda token, source, now: False
        """Takes tokens that a peer waits for; false when none does."""

    @property
    def mapping(self) -> Mapping:
        """How the box in front maps."""
        return self.observations.mapping(self.own_endpoints)

    @property
    def filtering(self) -> Filtering:
        """What the box in front lets in."""
        return self.dial_back.filtering

    @property
    def kind(self) -> NatKind:
        """What this node is to those who call it; where strangers get in by a port that a router opened, UDP passes."""
        if self.mapped_port.verified:
            return NatKind.OPEN
        return NatKind.BLOCKED if self.is_blocked else kind_of(self.mapping, self.filtering)

    @property
    def is_blocked(self) -> bool:
        """Tell whether no UDP passes."""
        return self._tcp_instead.is_blocked

    @property
    def meets_as(self) -> NatKind:
        """What this node is to a peer that tries to do without a relay.

        Who is seen where he is and does not know yet whether strangers get in counts as easy, for if they did the peer
        would be there already; to find out takes up to 6 s.
        """
        unknown = self.kind is NatKind.UNKNOWN and self.mapping is Mapping.NONE
        return NatKind.EASY if unknown else self.kind

    def here(self) -> Here:
        """Return what to tell the other end of a line that a relay carries."""
        said = self.observations
        seen = said.agreed() or next(iter(said.endpoints()), None)
        return Here(self.meets_as, self.own_endpoints, seen, said.next_port(), said.step())

    @property
    def serves(self) -> bool:
        """Tell whether this node relays for others: as its owner says, or as a volunteer that strangers do reach."""
        serve = self._config.relay.serve
        return self.kind is NatKind.OPEN and not self._config.dht.ephemeral if serve == "auto" else serve

    @property
    def wants_relays(self) -> bool:
        """Tell whether others need a relay to reach this node: there is a box that was not found to be open, or that
        lets strangers in over UDP only, since it translates: some have no UDP."""
        if self._config.relay.serve is True or self.mapped_port.verified:
            return False
        if self.is_blocked:
            return True
        translated = self.mapping not in (Mapping.NONE, Mapping.UNKNOWN)
        return translated or self.filtering is Filtering.DEPENDENT

    def sent(self, packets: list[tuple[bytes, Endpoint]], now: float) -> None:
        """Note where packets went: whoever is there is a stranger no more."""
        if not self._config.checks_reach:
            return
        sent_to = self._sent_to
        for _, (_, host, _) in packets:
            sent_to.pop(host, None)
            sent_to[host] = now
        while len(sent_to) > SENT_TO_MAX:
            del sent_to[next(iter(sent_to))]

    def note(self, peer: NodeId, at: Endpoint, seen: Endpoint | None, now: float) -> None:
        """Take note of where a peer answered, and of where it saw this node."""
        self._tcp_instead.answered(at, now)
        self.observations.note(peer, at, seen, now)

    @property
    def is_busy(self) -> bool:
        """Tell whether this node minds boxes, or waits for the first sign of UDP."""
        return self.checks or self._tcp_instead.is_waiting

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` is due; None while there is nobody to ask."""
        blocked = self._tcp_instead.next_timeout()
        if not self.checks or not len(self._lines):
            return blocked
        asking = min(test.next_timeout() for test in self._tests())
        return asking if blocked is None else min(asking, blocked)

    def handle_timeout(self, now: float) -> None:
        """Call over TCP when UDP is silent, and ask the next peer for a call from a stranger when it is time."""
        self._tcp_instead.handle_timeout(now)
        if not self.checks or not any(test.due(now) for test in self._tests()):
            return
        self._say_what_is_known(now)
        peers = self._askable()
        for test in self._tests():
            if not peers:
                test.put_off(now)
                continue
            question = test.ask(now) if test.due(now) else b""
            if question:
                self._say(peers[int(now * 1000) % len(peers)], question)

    def receive(self, line: Line, message: CallBack | Deliver | Reached, now: float) -> None:
        """Do a peer's test for it: pass its token on, or send it; or hear what came of it."""
        if isinstance(message, Reached):
            line.boxed = not message.by_strangers
            if line.session.path.transport == "udp":
                self.on_told(line, now)
        elif not self._deliveries.take(1, now):
            self.dropped["call back: over the rate"] += 1
        elif self.observations.step():
            self.dropped["call back: would take a port of the box"] += 1
        elif isinstance(message, CallBack):
            self._pass_on(line, message)
        elif message.endpoint.is_usable and message.endpoint.scope >= line.endpoint.scope:
            self._deliver(message)
        else:
            self.dropped["call back: to no place of its own"] += 1

    def receive_stun(self, packet: bytes, source: Endpoint, now: float) -> None:
        """Answer who asks where it is seen, and take tokens that were sent to find out whether strangers get in."""
        try:
            message = decode(packet)
        except DecodeError as error:
            self.dropped[f"{error.what}: {error.reason}"] += 1
            return
        if (message.method, message.message_class) == (Method.BINDING, MessageClass.INDICATION):
            stranger = not self._is_known(source, now)
            token = message.transaction_id
            ours = any(test.arrived(token, now, from_stranger=stranger) for test in self._tests())
            if not ours and not self.witnessed(token, source, now):
                self.dropped["stun: indication of no use"] += 1
            return
        if self.answered(message, source, now):
            return
        answer = self._stun.answer(message, source) if self._answers.take(1, now) else None
        if answer is None:
            self.dropped["stun: not answered"] += 1
        else:
            self._send(answer.packet, answer.destination)

    def _tests(self) -> list[DialBack]:
        """Return what is tested: the port that peers see, and the one that a router opened."""
        mapped = self.mapped_port.test
        return [self.dial_back] if mapped is None else [self.dial_back, mapped]

    def _say_what_is_known(self, now: float) -> None:
        """Say in handshakes from now on whether strangers reach this node, and to those whom it has met before; and
        whether it relays for others, which those hear who look for it.

        Where it has met everybody there is nobody left to prove it; who is seen where he is counts as open then.
        """
        said = (self.observations.agreed(), self.kind, self.mapped_port.verified)
        if said != self._said:
            self._said = said
            self.on_change()
        settings = self._handshakes.settings
        unboxed = self.filtering is Filtering.UNKNOWN and self.mapping is Mapping.NONE
        open_ = unboxed or self.filtering is Filtering.ENDPOINT_INDEPENDENT
        boxed = not open_ and self._config.relay.serve is not True
        serves = self.serves
        self._handshakes.settings = replace(settings, boxed=boxed, serves=serves)
        if serves is not settings.serves:
            self.on_serving(serves)
        if boxed is not settings.boxed:
            for line in self._lines.current():
                self._say(line, encode(Reached(int(not boxed))))

    def _askable(self) -> list[Line]:
        """Return the lines whose peers can be asked for a call from a stranger: at large, seeing this node there."""
        if not self.observations.at_large:
            return []
        return [line for line in self._direct() if line.session.path.scope == PUBLIC]

    def _deliver(self, message: Deliver) -> None:
        """Send a token to a stranger."""
        indication = StunMessage(Method.BINDING, MessageClass.INDICATION, message.token)
        self._send(encode_stun(indication, fingerprint=False), message.endpoint)

    def _pass_on(self, line: Line, message: CallBack) -> None:
        seen = line.session.path
        others = [each for each in self._direct() if each.session.path.host != seen.host]
        if seen.transport != "udp" or not others:
            self.dropped["call back: no stranger at hand"] += 1
            return
        endpoint = seen._replace(port=message.port or seen.port)
        self._say(others[message.token[0] % len(others)], encode(Deliver(message.token, endpoint)))

    def _is_known(self, source: Endpoint, now: float) -> bool:
        """Tell whether something was sent to a host lately, so that what comes from there proves nothing."""
        return now - self._sent_to.get(source.host, -OPENED_S) < OPENED_S

    def _direct(self) -> list[Line]:
        return [line for line in self._lines.current() if line.session.path.transport == "udp"]

    def _say(self, line: Line, message: bytes) -> None:
        line.session.send_nat(message)
        self._lines.mark(line)
