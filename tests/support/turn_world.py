"""A TURN server without sockets, a client that speaks to it, and a clock that is set by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from random import Random

from mesh99.nat.stun.attributes import (
    Attribute,
    decode_error,
    decode_xor_address,
    encode_xor_address,
)
from mesh99.nat.stun.message import MessageClass, Method, StunMessage, decode, encode
from mesh99.nat.turn.config import TurnConfig
from mesh99.nat.turn.credentials import (
    PASSWORD_ALGORITHMS,
    Credentials,
    PasswordAlgorithm,
    long_term_key,
)
from mesh99.nat.turn.forwarding import Packet
from mesh99.nat.turn.server import TurnServer
from mesh99.wire.endpoint import IPV4, IPV6, Endpoint

SERVER = Endpoint("udp", "9.9.9.9", 3478)
CLIENT = Endpoint("udp", "8.8.4.4", 40_000)
PEER = Endpoint("udp", "1.1.1.1", 5000)
PEER6 = Endpoint("udp", "2606:4700::1111", 5000)
RELAY_HOSTS = {IPV4: "9.9.9.9", IPV6: "2620:fe::9"}
USERS = {"ann": "secret", "bob": "hidden"}
UNIX_NOW = 1_800_000_000.0
REALM = "mesh99"

Attributes = list[tuple[int, bytes]]

UDP: Attributes = [(Attribute.REQUESTED_TRANSPORT, bytes((17, 0, 0, 0)))]


@dataclass
class FakePorts:
    """Give ports in order, none beyond `free`."""

    free: int = 1000
    hosts: dict[int, str] = field(default_factory=lambda: dict(RELAY_HOSTS))
    opened: set[Endpoint] = field(default_factory=set)
    numbers: count[int] = field(default_factory=lambda: count(50_001, 2))

    def open(self, family: int, count: int, *, even: bool) -> tuple[Endpoint, ...]:
        if len(self.opened) + count > self.free:
            return ()
        first = next(self.numbers) + even
        made = tuple(Endpoint("udp", self.hosts[family], first + after) for after in range(count))
        self.opened.update(made)
        return made

    def close(self, relayed: Endpoint) -> None:
        self.opened.remove(relayed)

    def is_own(self, host: str) -> bool:
        return host in ("9.9.9.9", "9.9.9.10", "2620:fe::9")


class TurnWorld:
    """A server and the time."""

    def __init__(
        self,
        config: TurnConfig | None = None,
        *,
        relay_hosts: dict[int, str] | None = None,
        secret: str | None = None,
        allowed: tuple[str, ...] = (),
        ports: FakePorts | None = None,
    ) -> None:
        self.now = 1000.0
        self.unix_now = UNIX_NOW
        self.ports = ports or FakePorts()
        self.server = TurnServer(
            config or TurnConfig(),
            Credentials(USERS, secret),
            self.ports,
            relay_hosts or RELAY_HOSTS,
            allowed_peers=allowed,
            unix_now=lambda: self.unix_now,
            entropy=Random(1).randbytes,
            random=Random(2),
            now=self.now,
        )

    def client(
        self, client: Endpoint = CLIENT, username: str = "ann", password: str | None = None
    ) -> TurnClient:
        """Return a client; its password is the right one unless another is given."""
        return TurnClient(self, client, username, password or USERS.get(username, ""))

    def pass_time(self, seconds: float) -> None:
        """Let time pass and timers run."""
        self.now += seconds
        self.unix_now += seconds
        if self.server.next_timeout() is not None:
            self.server.handle_timeout(self.now)


@dataclass
class TurnClient:
    """Speak to the server as a client with credentials would."""

    world: TurnWorld
    endpoint: Endpoint
    username: str
    password: str
    server: Endpoint = SERVER
    algorithm: PasswordAlgorithm | None = None
    nonce: bytes = b""
    ids: Random = field(default_factory=lambda: Random(3))

    def receive(self, data: bytes) -> list[Packet]:
        return self.world.server.receive(data, self.endpoint, self.server, self.world.now)

    def ask(self, data: bytes) -> StunMessage:
        """Send a request; return its answer, the one packet that goes back."""
        (packet,) = self.receive(data)
        assert (packet.source, packet.destination) == (self.server, self.endpoint)
        return decode(packet.data)

    def signed(
        self, method: int, attributes: Attributes, *, sha256: bool = False, both: bool = False
    ) -> bytes:
        """Return a request with this client's proof."""
        self.be_challenged()
        credentials: Attributes = [
            (Attribute.USERNAME, self.username.encode()),
            (Attribute.REALM, REALM.encode()),
            (Attribute.NONCE, self.nonce),
        ]
        if self.algorithm is not None:
            chosen = self.algorithm.to_bytes(2, "big") + bytes(2)
            credentials += [
                (Attribute.PASSWORD_ALGORITHMS, PASSWORD_ALGORITHMS),
                (Attribute.PASSWORD_ALGORITHM, chosen),
            ]
        key = self.key
        return encode(
            self.message(method, [*attributes, *credentials]),
            sha1_key=None if sha256 and not both else key,
            sha256_key=key if sha256 or both else None,
        )

    def be_challenged(self) -> None:
        """Get a nonce if there is none."""
        if not self.nonce:
            self.nonce = self.ask(encode(self.message(Method.REFRESH, []))).find(Attribute.NONCE) or b""

    @property
    def key(self) -> bytes:
        algorithm = self.algorithm or PasswordAlgorithm.MD5
        return long_term_key(self.username, REALM, self.password, algorithm)

    def message(
        self, method: int, attributes: Attributes, message_class: MessageClass = MessageClass.REQUEST
    ) -> StunMessage:
        return StunMessage(method, message_class, self.ids.randbytes(12), tuple(attributes))

    def request(self, method: int, attributes: Attributes, *, sha256: bool = False) -> StunMessage:
        """Make a proved request and return the answer."""
        return self.ask(self.signed(method, attributes, sha256=sha256))

    def allocate(self, *more: tuple[int, bytes]) -> Endpoint:
        """Allocate and return the relayed address."""
        answer = self.request(Method.ALLOCATE, [*UDP, *more])
        assert code_of(answer) == 0, code_of(answer)
        return address_of(answer, Attribute.XOR_RELAYED_ADDRESS)

    def refresh(self, life_s: int) -> StunMessage:
        return self.request(Method.REFRESH, [(Attribute.LIFETIME, life_s.to_bytes(4, "big"))])

    def permit(self, *peers: Endpoint) -> StunMessage:
        transaction_id = self.next_transaction_id()
        masked = [
            (int(Attribute.XOR_PEER_ADDRESS), encode_xor_address(each, transaction_id)) for each in peers
        ]
        return self.request(Method.CREATE_PERMISSION, masked)

    def bind(self, number: int, peer: Endpoint) -> StunMessage:
        transaction_id = self.next_transaction_id()
        attributes: Attributes = [
            (Attribute.CHANNEL_NUMBER, number.to_bytes(2, "big") + bytes(2)),
            (Attribute.XOR_PEER_ADDRESS, encode_xor_address(peer, transaction_id)),
        ]
        return self.request(Method.CHANNEL_BIND, attributes)

    def next_transaction_id(self) -> bytes:
        """Return the id of the next proved request, which peers' addresses are masked with."""
        self.be_challenged()
        state = self.ids.getstate()
        transaction_id = self.ids.randbytes(12)
        self.ids.setstate(state)
        return transaction_id

    def send(self, peer: Endpoint, payload: bytes, *more: tuple[int, bytes]) -> list[Packet]:
        """Send in an indication; return what leaves."""
        transaction_id = self.ids.randbytes(12)
        attributes = (
            (int(Attribute.XOR_PEER_ADDRESS), encode_xor_address(peer, transaction_id)),
            (int(Attribute.DATA), payload),
            *more,
        )
        return self.receive(
            encode(
                StunMessage(Method.SEND, MessageClass.INDICATION, transaction_id, attributes),
                fingerprint=False,
            )
        )

    def send_channel(self, number: int, payload: bytes) -> list[Packet]:
        return self.receive(number.to_bytes(2, "big") + len(payload).to_bytes(2, "big") + payload)

    def hear(self, payload: bytes, relayed: Endpoint, peer: Endpoint) -> list[Packet]:
        """Let a peer send to a relayed transport; return what leaves."""
        return self.world.server.relayed_received(payload, relayed, peer, self.world.now)


def code_of(answer: StunMessage) -> int:
    """Return the error code of an answer, 0 for success."""
    if answer.message_class is MessageClass.SUCCESS:
        return 0
    return decode_error(answer.find(Attribute.ERROR_CODE) or b"")[0]


def address_of(answer: StunMessage, kind: Attribute) -> Endpoint:
    return decode_xor_address(answer.find(kind) or b"", answer.transaction_id)
