"""Make lines: call peers, answer calls, and repeat what got lost, until a session stands on both sides.

Who calls:   dial -> first packet (IK with an early request when the key is known, XX otherwise) -> reply -> a line.
             When only the answer is wanted: -> first packet -> reply, and, if asked for, one packet as a proof.
Who answers: first packet -> reply (with the early request's answer) -> first data packet -> a line.
The caller's line stands with the reply, which proves the other side; the answering side's stands with the first data
packet, which proves that the caller can be reached where it says. Until then nothing else is sent there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from ...wire import contact as contacts
from ...wire import fault_points
from ...wire.cipher import OpeningKey, SealingKey
from ...wire.cipher_shelf import CipherShelf
from ...wire.contact import Contact
from ...wire.cookie import CookieJar
from ...wire.endpoint import RELAY, Endpoint
from ...wire.errors import ConfigError, DecodeError, HandshakeFailed, MeshError, NoPath, QueueFull
from ...wire.frames import PROOF
from ...wire.handshake import Acceptance, Established, HandshakeSettings, Initiation, Rejected
from ...wire.handshake_packets import Initial, split_initial
from ...wire.handshake_payload import PROVE
from ...wire.identity import Identity, NodeId, PublicKey
from ...wire.packet import FINAL, INITIAL, counter_of
from ...wire.session import Session
from .accepting import AnswerEarly, HalfOpen, HalfOpenTable, as_seen, digest_of, nowhere
from .config import OverlayConfig
from .deadlines import Deadlines
from .dialing import Connected, Dial
from .early_messages import EARLY_MESSAGE_BYTES_MAX, EarlyMessages
from .line import Line


class Handshakes:
    """Run all handshakes of one node."""

    def __init__(
        self,
        identity: Identity,
        settings: HandshakeSettings,
        config: OverlayConfig,
        entropy: Callable[[int], bytes],
        answer_early: AnswerEarly,
        wants: Callable[[Contact], bool],
        on_answer: Callable[[Contact, Established, float], None],
        on_line: Callable[[Line, Established, float], None],
        on_failed: Callable[[Dial, MeshError, float], None],
        now: float,
    ) -> None:
        self._identity = identity
        self.settings = settings
        """What handshakes say of this node from now on."""
        self._config = config
        self._entropy = entropy
        self._answer_early = answer_early
        self.observe: Callable[[Endpoint], Endpoint] = as_seen
        """Says to a caller where it was seen; a node that lies about it is one with another function."""
        self.introduced: Callable[[Endpoint], Endpoint | None] = nowhere
        """Says where a caller is met whose first packet came through a circuit."""
        self.next_port: Callable[[], int] = int
        """Says which port the box in front gives next, if it counts them up."""
        self._wants = wants
        self._on_answer = on_answer
        self._on_line = on_line
        self._on_failed = on_failed
        self.half_open = HalfOpenTable(config, CookieJar(entropy(32), now), now)
        self.early_messages = EarlyMessages(config.early_messages_max)
        self._shelf = CipherShelf(config.awake_max, config.awake_quiet_max)
        self._dials: dict[int, Dial] = {}
        self._dials_by_peer: dict[NodeId | Endpoint, Dial] = {}
        self._deadlines: Deadlines[Dial] = Deadlines()
        self.packets: list[tuple[bytes, Endpoint]] = []
        self.dropped: Counter[str] = Counter()

    def dialing(self, peer: NodeId | Endpoint) -> Dial | None:
        """Return the call to this peer that is under way."""
        return self._dials_by_peer.get(peer)

    def under_way(self) -> list[Dial]:
        """Return all calls."""
        return list(self._dials.values())

    def dial(
        self,
        key: PublicKey | None,
        endpoints: tuple[Endpoint, ...],
        early: bytes,
        done: Connected | None,
        now: float,
        *,
        once: bool = False,
        message: bytes = b"",
    ) -> None:
        """Call a peer, or join the call under way; `done` is told the outcome. `once`: no session is wanted.

        A `message` rides in the first packet where there is room, and the line says whether it was taken.
        """
        peer = key.node_id if key is not None else endpoints[0]
        dial = self._dials_by_peer.get(peer)
        if dial is None:
            if fault_points.active and fault_points.fires("overlay.fail-dial", self._identity.node_id):
                if done is not None:
                    done(None, NoPath("the peer", tuple(str(endpoint) for endpoint in endpoints)))
                return
            if len(self._dials) >= self._config.dials_max:
                if done is not None:
                    done(None, QueueFull("the table of outgoing calls", self._config.dials_max))
                return
            try:
                once = (once or self._config.ask_once) and bool(early) and done is None
                dial = self._start(key, endpoints, early, now, once=once, message=message)
            except ConfigError as error:
                # The key in a contact that somebody handed us may be no key at all.
                if done is not None:
                    done(None, error)
                return
        else:
            self._join(dial, endpoints, early)
        if done is not None and not dial.wait(done, self._config, now):
            done(None, QueueFull("the line of callers", len(dial.waiting)))
        self._deadlines.arm(dial)

    def _join(self, dial: Dial, endpoints: tuple[Endpoint, ...], early: bytes) -> None:
        for endpoint in endpoints:
            if endpoint not in dial.endpoints:
                self.add_way(dial, endpoint)
        if early and dial.queue_request(early):
            self._send_first(dial)

    def add_way(self, dial: Dial, endpoint: Endpoint) -> None:
        """Call a peer at one more endpoint, or through a circuit, at once and from now on."""
        dial.add_way(endpoint)
        self.packets.append(dial.packet_for(endpoint))

    def send_again(self, dial: Dial) -> None:
        """Send the first packet once more, now: whoever rides in it has timed out."""
        self._send_first(dial)

    def receive(self, packet: bytes, source: Endpoint, now: float) -> None:
        """Take in a handshake packet; bad ones are counted."""
        try:
            if packet[0] == INITIAL:
                self._receive_initial(packet, source, now)
            elif packet[0] == FINAL:
                self._receive_final(packet, source, now)
            else:
                self._receive_answer(packet, source, now)
        except DecodeError as error:
            self.dropped[f"handshake: {error.reason}"] += 1

    def confirm(
        self, local_id: int, packet: bytes | memoryview, source: Endpoint, now: float
    ) -> Line | Contact | None:
        """Try a data packet on a half-open handshake; return a line, or a contact when no more than that is proved."""
        half_open = self.half_open.by_local_id(local_id)
        if half_open is None:
            return None
        if fault_points.active and fault_points.fires("overlay.forget-half-open", self._identity.node_id):
            self.half_open.remove(half_open)
            return None
        line, established = half_open.line, half_open.acceptance.established
        if line is None and established is not None:
            if half_open.acceptance.once and self._proves(established, packet, now):
                self.half_open.remove(half_open)
                return _contact_of(established, half_open.source)
            line = self._new_line(established, half_open.source, now)
        if line is None or not line.session.receive(packet, source, now):
            return None
        self.half_open.remove(half_open)
        return line

    def _proves(self, established: Established, packet: bytes | memoryview, now: float) -> bool:
        """Tell whether the packet says nothing but that its sender holds the keys."""
        key = OpeningKey(established.receive_key, established.cipher, self._identity.crypto)
        return key.open(packet, counter_of(packet), now) == PROOF

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` is due."""
        half_open = self.half_open.next_timeout()
        dial = self._deadlines.next_timeout() if self._dials else None
        if dial is None or half_open is None:
            return half_open if dial is None else dial
        return min(dial, half_open)

    def handle_timeout(self, now: float) -> None:
        """Try calls again, give up those that had their time, forget strangers that never came back."""
        for dial in self._deadlines.take_due(now):
            if dial.is_over(now):
                self._fail(dial, NoPath(dial.name, tuple(str(e) for e in dial.endpoints)), now)
            else:
                self._send_first(dial)
                self._deadlines.arm(dial)
        self.dropped["half-open expired"] += len(self.half_open.take_expired(now))

    def stream_failed(self, endpoint: Endpoint, now: float) -> None:
        """Give up the calls that had only this TCP endpoint."""
        for dial in [dial for dial in self._dials.values() if dial.endpoints == (endpoint,)]:
            self._fail(dial, NoPath(dial.name, (str(endpoint),)), now)

    def _start(
        self,
        key: PublicKey | None,
        endpoints: tuple[Endpoint, ...],
        early: bytes,
        now: float,
        *,
        once: bool,
        message: bytes = b"",
    ) -> Dial:
        local_id = self._new_id()
        rides = b"" if key is None else early
        message = message if key is not None and len(message) <= EARLY_MESSAGE_BYTES_MAX else b""
        words = (self._identity, key, self.settings, self._entropy, local_id)
        initiation = Initiation(*words, once=once, message=bool(message), next_port=self.next_port())
        dial = Dial(initiation, local_id, key, endpoints, rides, self._config, now, message)
        if early and key is None:
            dial.requests.append(early)
        self._dials[local_id] = self._dials_by_peer[dial.peer] = dial
        self._send_first(dial)
        return dial

    def _send_first(self, dial: Dial) -> None:
        self.packets += dial.next_packets()

    def _receive_answer(self, packet: bytes, source: Endpoint, now: float) -> None:
        dial = self._dials.get(int.from_bytes(packet[1:9], "big"))
        if dial is None:
            self.dropped["handshake: unknown call"] += 1
            return
        try:
            outcome = dial.initiation.receive(packet)
        except HandshakeFailed as error:
            self._fail(dial, error, now)
            return
        if isinstance(outcome, bytes):
            dial.cookie = outcome
            self._send_first(dial)
        elif outcome is not None:
            self._forget(dial)
            endpoint = dial.answered(source)
            waited_for = bool(dial.waiting or dial.requests)
            if not dial.once or (waited_for and outcome.flags & PROVE):
                self._called(dial, outcome, endpoint, now)
            else:
                self._answered(outcome, endpoint, now)
                if waited_for:
                    self._call_again(dial, now)
        else:
            self.dropped["handshake: no answer to this call"] += 1

    def _answered(self, established: Established, endpoint: Endpoint, now: float) -> None:
        """Take an answer that no session follows; show that this side is there if the other would like to know."""
        if established.flags & PROVE:
            crypto = self._identity.crypto
            key = SealingKey(established.send_key, established.cipher, established.remote_id, crypto)
            self.packets.append((key.seal(PROOF, now), endpoint))
        contact = _contact_of(established, endpoint)
        self._on_answer(contact, established, now)

    def _call_again(self, dial: Dial, now: float) -> None:
        """Make a session for those who came while only an answer was asked for."""
        again = self._start(dial.public_key, dial.endpoints, b"", now, once=False)
        again.circuits = dial.circuits
        again.requests = dial.requests
        for done in dial.waiting:
            again.wait(done, self._config, now)
        self._deadlines.arm(again)

    def _called(self, dial: Dial, established: Established, endpoint: Endpoint, now: float) -> None:
        line = self._new_line(established, endpoint, now)
        line.initiated, line.answered_from = True, dial.answered_from
        line.taken_early = dial.message if established.took_message else b""
        if established.final_packet:
            line.repeat_until_confirmed(established.final_packet, now)
            self.packets.append((established.final_packet, endpoint))
        if dial.attempts == 1:
            line.session.measured(now - dial.started)
        if dial.waiting or established.final_packet:
            line.session.ping(now)
            line.asked(now)
        elif not dial.requests:
            # Only the DHT asked. The other side learns from this packet that it may answer here; should the packet
            # get lost, it forgets the session and says so when it is next used.
            line.session.prove()
        for payload in dial.requests:
            line.session.send_rpc(payload)
        self._on_line(line, established, now)
        for done in dial.waiting:
            done(line, None)

    def _receive_initial(self, packet: bytes, source: Endpoint, now: float) -> None:
        known = self.half_open.find(digest_of(packet)) if len(self.half_open) else None
        if known is not None:
            self._reply(known.reply, known.acceptance, source)
            return
        initial = split_initial(packet)
        source_id, cookie = initial.source_id, initial.cookie
        if (
            cookie
            and fault_points.active
            and fault_points.fires("overlay.expire-cookie", self._identity.node_id)
        ):
            cookie = b""
        if self.half_open.needs_cookie(cookie, source, source_id, now):
            self.packets.append((self.half_open.cookies.packet(source, source_id, now), source))
            self.dropped["handshake: cookie asked"] += 1
            return
        try:
            self._accept(packet, initial, source, now)
        except Rejected as rejection:
            self.dropped[f"handshake: rejected {rejection.reason}"] += 1
            self.packets.append((rejection.packet, source))

    def _accept(self, packet: bytes, initial: Initial, source: Endpoint, now: float) -> None:
        local_id = self._new_id()
        acceptance = Acceptance.receive(
            packet, self._identity, self.settings, self._entropy, local_id, initial
        )
        early, prove, taken = b"", False, False
        if acceptance.early and acceptance.remote_key is not None:
            said = (acceptance.ephemeral, acceptance.boxed)
            sender = contacts.known_contact(acceptance.remote_key, source, *said)
            if acceptance.brings_message:
                taken = self.early_messages.take(sender, acceptance.early)
            else:
                early = self._answer_early(acceptance.early, sender, acceptance.early_size_max)
            prove = acceptance.once and self._wants(sender)
        next_port = self.next_port() if source.transport == RELAY else 0
        reply = acceptance.reply(early, self.observe(source), prove=prove, taken=taken, next_port=next_port)
        if acceptance.once and not prove:
            self.packets.append((reply, source))
            return
        deadline = now + self._config.half_open_s
        half_open = HalfOpen(digest_of(packet), local_id, reply, acceptance, source, deadline)
        if self.half_open.add(half_open) is not None:
            self.dropped["half-open: no room"] += 1
        self._reply(reply, acceptance, source)

    def _reply(self, reply: bytes, acceptance: Acceptance, source: Endpoint) -> None:
        """Send a reply to where the first packet came from, and to where the relay that it came through saw its sender.

        That opens the way through a box on this side. It is shorter than what came and said where to send it. The box
        of a caller that counts its ports will see him at the next one.
        """
        self.packets.append((reply, source))
        introduced = self.introduced(source)
        if introduced is not None:
            established = acceptance.established
            next_port = established.next_port if established is not None else 0
            self.packets.append((reply, introduced._replace(port=next_port or introduced.port)))

    def _receive_final(self, packet: bytes, source: Endpoint, now: float) -> None:
        half_open = self.half_open.by_local_id(int.from_bytes(packet[1:9], "big"))
        if half_open is None:
            self.dropped["handshake: unknown call"] += 1
        elif half_open.line is None:
            half_open.line = self._new_line(half_open.acceptance.receive_final(packet), source, now)
        else:
            self.dropped["handshake: repeated"] += 1

    def _new_line(self, established: Established, source: Endpoint, now: float) -> Line:
        session = Session(
            send_key=established.send_key,
            receive_key=established.receive_key,
            cipher=established.cipher,
            local_id=established.local_id,
            remote_id=established.remote_id,
            path=source,
            config=self._config.session,
            now=now,
            challenge_secret=self._entropy(16),
            crypto=self._identity.crypto,
            shelf=self._shelf,
        )
        line = Line(session, established.remote_key, source, self._config, now)
        line.told(established)
        return line

    def _fail(self, dial: Dial, error: MeshError, now: float) -> None:
        self._forget(dial)
        self._on_failed(dial, error, now)
        for done in dial.waiting:
            done(None, error)

    def _forget(self, dial: Dial) -> None:
        self._deadlines.forget(dial)
        self._dials.pop(dial.local_id, None)
        self._dials_by_peer.pop(dial.peer, None)

    def _new_id(self) -> int:
        return int.from_bytes(self._entropy(8), "big")


def _contact_of(established: Established, endpoint: Endpoint) -> Contact:
    return contacts.known_contact(established.remote_key, endpoint, established.ephemeral, established.boxed)
