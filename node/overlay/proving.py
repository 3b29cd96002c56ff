"""Proof that a peer is at the address where its relay sees it, before much is sent there.

The peer has chosen the relay and may be in league with it. So this node chooses a witness among its own peers, has the
peer send a token to the witness, and asks the witness where that came from.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Container
from dataclasses import dataclass

from ...nat.bucket import TokenBucket
from ...nat.dialback import DialBackConfig
from ...nat.messages import TOKEN_BYTES, Expect, Prove, Witnessed, encode
from ...nat.stun.message import MessageClass, Method, StunMessage
from ...nat.stun.message import encode as encode_stun
from ...wire.endpoint import PUBLIC, Endpoint
from ...wire.identity import NodeId
from .line import Line
from .lines import LineTable

WAIT_S = 0.6
"""How long a witness is waited for: three ways of 200 ms."""

WITNESSES_MAX = 3
"""Witnesses asked one after the other; any of the three packets may get lost."""

EXPECTED_S = 5.0
"""How long a witness expects a token."""

EXPECTED_MAX = 256
"""Tokens expected at once, about 200 bytes each; the oldest goes."""

PROOFS_MAX = 256
"""Peers whose address is proved or being proved, about 200 bytes each; the oldest goes."""


@dataclass(slots=True)
class _Proof:
    host: str
    token: bytes = b""
    witness: NodeId | None = None
    asked: int = 0
    due_at: float = 0.0
    stands: bool = False


class Proving:
    """Ask for proofs, be a witness, and prove where this node is."""

    def __init__(
        self,
        config: DialBackConfig,
        lines: LineTable,
        relays_to: Callable[[Line], Container[NodeId]],
        send: Callable[[bytes, Endpoint], None],
        entropy: Callable[[int], bytes],
        now: float,
    ) -> None:
        self._lines = lines
        self._relays_to = relays_to
        self._send = send
        self._entropy = entropy
        self._proofs: OrderedDict[int, _Proof] = OrderedDict()
        self._expected: OrderedDict[bytes, tuple[int, float]] = OrderedDict()
        self._rate = TokenBucket(config.deliveries_per_s, config.deliveries_burst, now)
        self.on_proved: Callable[[Line, float], None] = lambda line, now: None
        """Told when the peer of a line has proved where it is."""

    def ask(self, line: Line, place: Endpoint, now: float) -> None:
        """Begin to find out whether the peer of a line is at the address of a place, if that has not begun."""
        proof = self._proofs.get(line.session.local_id)
        if proof is not None and proof.host == place.host:
            return
        if len(self._proofs) >= PROOFS_MAX:
            self._proofs.popitem(last=False)
        proof = self._proofs[line.session.local_id] = _Proof(place.host)
        self._ask_witness(line, proof, now)

    def is_proved(self, line: Line, place: Endpoint) -> bool:
        """Tell whether a witness has seen the peer of a line at the address of a place."""
        proof = self._proofs.get(line.session.local_id)
        return proof is not None and proof.stands and proof.host == place.host

    def receive(self, line: Line, message: Expect | Prove | Witnessed, now: float) -> bool:
        """Take a part in a proof; false when it is of no use."""
        if isinstance(message, Witnessed):
            return self._receive_witness(line, message, now)
        if not self._rate.take(1, now):
            return False
        if isinstance(message, Expect):
            if len(self._expected) >= EXPECTED_MAX:
                self._expected.popitem(last=False)
            self._expected[message.token] = line.session.local_id, now
            return True
        return self._prove(message)

    def arrived(self, token: bytes, source: Endpoint, now: float) -> bool:
        """Tell who expects a token where it came from; false when nobody does."""
        local_id, since = self._expected.pop(token, (0, now))
        line = self._lines.by_local_id.get(local_id)
        if line is None or now - since > EXPECTED_S:
            return False
        self._say(line, Witnessed(token, source))
        return True

    @property
    def is_busy(self) -> bool:
        """Tell whether a proof is asked for or kept."""
        return bool(self._proofs)

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` is due."""
        return min((proof.due_at for proof in self._proofs.values() if not proof.stands), default=None)

    def handle_timeout(self, now: float) -> None:
        """Ask other witnesses where the last ones said nothing, and forget lines that ended."""
        for local_id, proof in list(self._proofs.items()):
            line = self._lines.by_local_id.get(local_id)
            if line is None:
                del self._proofs[local_id]
            elif not proof.stands and now >= proof.due_at:
                self._ask_witness(line, proof, now)

    def _ask_witness(self, line: Line, proof: _Proof, now: float) -> None:
        witnesses = self._witnesses(line, proof.host)
        if not witnesses or proof.asked == WITNESSES_MAX:
            del self._proofs[line.session.local_id]
            return
        proof.asked, proof.due_at = proof.asked + 1, now + WAIT_S
        proof.token = self._entropy(TOKEN_BYTES)
        witness = witnesses[proof.token[0] % len(witnesses)]
        proof.witness = witness.node_id
        self._say(witness, Expect(proof.token))
        self._say(line, Prove(proof.token, witness.session.path))

    def _witnesses(self, line: Line, host: str) -> list[Line]:
        """Return the lines of peers that anybody can send to and that the peer of a line did not choose."""
        accomplices = self._relays_to(line)
        others = [
            each
            for each in self._lines.current()
            if _can_witness(each) and each.node_id not in accomplices and each.session.path.host != host
        ]
        # Whom this node called it has found by itself; who called it may be sent by the peer. Tokens may not get
        # through to who thinks that strangers do not reach it.
        for able in ((each for each in others if each.initiated and not each.boxed), others):
            if found := list(able):
                return found
        return []

    def _receive_witness(self, line: Line, message: Witnessed, now: float) -> bool:
        for local_id, proof in self._proofs.items():
            if proof.token == message.token and proof.witness == line.node_id and not proof.stands:
                proof.stands = message.endpoint.host == proof.host
                proved = self._lines.by_local_id.get(local_id)
                if proof.stands and proved is not None:
                    self.on_proved(proved, now)
                return True
        return False

    def _prove(self, message: Prove) -> bool:
        """Send a token to a witness: twenty bytes, and at a rate, since the peer may name anybody as one."""
        place = message.endpoint
        if place.transport != "udp" or place.scope != PUBLIC or not place.is_usable:
            return False
        indication = StunMessage(Method.BINDING, MessageClass.INDICATION, message.token)
        self._send(encode_stun(indication, fingerprint=False), place)
        return True

    def _say(self, line: Line, message: Expect | Prove | Witnessed) -> None:
        line.session.send_nat(encode(message))
        self._lines.mark(line)


def _can_witness(line: Line) -> bool:
    path = line.session.path
    return path.transport == "udp" and path.scope == PUBLIC
