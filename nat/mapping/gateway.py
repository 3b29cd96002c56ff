"""Get ports from the default gateway by PCP or NAT-PMP, whichever it speaks.

It is asked in both at once, in NAT-PMP only for its address, which makes no mapping. PCP is taken when it grants one;
NAT-PMP when PCP is not spoken, refuses, or is silent while NAT-PMP answers. UDP is mapped first, and TCP then asks for
the same port. Only what the gateway itself sent is read. A gateway whose clock began anew has lost its mappings (RFC
6886, section 3.6; RFC 6887, section 8.5): they are asked for again at once.
"""

from __future__ import annotations

from collections import Counter
from hashlib import blake2b

from ...wire.endpoint import Endpoint
from ...wire.errors import DecodeError
from .answer import TRANSPORTS, Answer
from .asked_port import NEVER, AskedPort
from .config import MappingConfig
from .epoch import Epoch
from .lease import Lease, Mapped
from .nat_pmp import NatPmp
from .pcp import Pcp


class GatewayClient:
    """Keep this node's port mapped at one gateway, without sockets and clock.

    `secret` is 16 to 64 bytes that nobody else can guess, the same in each life of the node.
    """

    def __init__(
        self,
        gateway: Endpoint,
        own: Endpoint,
        config: MappingConfig,
        secret: bytes,
        now: float,
    ) -> None:
        self._gateway = gateway
        self._own = own
        self._config = config
        self._pcp = Pcp(own.host, own.port, blake2b(gateway.host.encode(), key=secret).digest())
        self._nat_pmp = NatPmp(own.port)
        self._spoken: Pcp | NatPmp | None = None
        self._refusals: dict[str, str] = {}
        self._nat_pmp_at = now + config.grace_s
        self._epoch = Epoch()
        self._ports = {transport: AskedPort(transport, config, now) for transport in TRANSPORTS[:1]}
        self.external_host = ""
        self.packets: list[bytes] = []
        """What is to be sent to the gateway; the owner takes it out."""
        self.dropped: Counter[str] = Counter()

    @property
    def mapped(self) -> Mapped | None:
        """What the gateway gave."""
        leases = tuple(port.lease for port in self._ports.values() if port.lease is not None)
        if self._spoken is None or not leases or not self.external_host:
            return None
        return Mapped(self._spoken.name, self.external_host, leases)

    @property
    def failure(self) -> str:
        """Why there is no mapping and none will come, in a few words; empty while there is hope."""
        refusal = self._ports["udp"].refusal
        if not refusal:
            return ""
        said = {**self._refusals, **({self._spoken.name: refusal} if self._spoken else {})}
        return "; ".join(f"{name}: {why}" for name, why in said.items()) or refusal

    @property
    def is_done(self) -> bool:
        """Tell whether everything was given back, or cannot be."""
        return all(port.lease is None for port in self._ports.values())

    def receive(self, packet: bytes, source: Endpoint, now: float) -> None:
        """Take one packet; never raises on its bytes."""
        if source != self._gateway:
            self.dropped["mapping: not from the gateway"] += 1
            return
        dialect: Pcp | NatPmp = self._pcp if packet[:1] == bytes((self._pcp.version,)) else self._nat_pmp
        try:
            answer = dialect.read(packet)
        except DecodeError as error:
            self.dropped[f"{error.what}: {error.reason}"] += 1
            return
        self._answered(dialect, answer, now)

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` is due."""
        due_at = min(port.due_at for port in self._ports.values())
        if self._spoken is None and self.external_host:
            due_at = min(due_at, self._nat_pmp_at)
        return None if due_at == NEVER else due_at

    def handle_timeout(self, now: float) -> None:
        """Ask what is due."""
        if self._spoken is None and self.external_host and now >= self._nat_pmp_at:
            self._speak(self._nat_pmp, now)
        for port in self._ports.values():
            if now >= port.due_at and port.sent(now):
                self.packets += self._requests(port)

    def renew(self, now: float) -> None:
        """Ask for everything again: what was mapped does not let anybody in any more."""
        for port in self._ports.values():
            if port.lease is not None:
                port.renew(now)

    def give_back(self, now: float) -> None:
        """Ask for the end of every mapping."""
        for port in self._ports.values():
            port.give_back(now)

    def _requests(self, port: AskedPort) -> list[bytes]:
        asked_for = (0, 0) if port.returned else (self._config.life_s, self._wanted(port))
        if self._spoken is self._pcp:
            return [self._pcp.request(port.transport, *asked_for)]
        address = self._nat_pmp.address_request()
        if self._spoken is self._nat_pmp:
            mapping = self._nat_pmp.request(port.transport, *asked_for)
            return [mapping] if port.returned else [address, mapping]
        pcp = [] if self._pcp.name in self._refusals else [self._pcp.request(port.transport, *asked_for)]
        return [*pcp, address]

    def _wanted(self, port: AskedPort) -> int:
        """Return the outer port to ask for: the one there was, that of UDP, or as here."""
        leases: list[Lease | None] = [port.lease, self._ports["udp"].lease]
        return next((lease.external_port for lease in leases if lease is not None), self._own.port)

    def _answered(self, dialect: Pcp | NatPmp, answer: Answer, now: float) -> None:
        if answer.unsupported:
            # A gateway says so in the protocol that it does speak.
            dialect = self._nat_pmp if dialect is self._pcp else self._pcp
        if self._spoken not in (None, dialect):
            return  # It was asked in both, and this one came second.
        forgot = not self._epoch.goes_on(answer.epoch_s, now)
        if answer.refusal:
            self._refused(dialect, answer, now)
        elif answer.transport:
            self._granted(dialect, answer, now)
        else:
            self._told_address(answer.external_host, now)
        if forgot:
            self._ask_others_again(answer.transport, now)

    def _refused(self, dialect: Pcp | NatPmp, answer: Answer, now: float) -> None:
        if answer.transport and answer.transport not in self._ports:
            self.dropped["mapping: not asked for"] += 1
        elif self._spoken is not None:
            self._ports[answer.transport or "udp"].refused(answer.refusal)
        else:
            self._refusals[dialect.name] = answer.refusal
            self._conclude(now)

    def _conclude(self, now: float) -> None:
        """Go on in NAT-PMP when its address is known, or give up when both were refused."""
        if len(self._refusals) == 2:
            self._ports["udp"].refused("refused")
        elif self.external_host and self._pcp.name in self._refusals:
            self._speak(self._nat_pmp, now)

    def _granted(self, dialect: Pcp | NatPmp, answer: Answer, now: float) -> None:
        port = self._ports.get(answer.transport)
        if port is None or (self._spoken is None and dialect is self._nat_pmp):
            self.dropped["mapping: not asked for"] += 1
        elif port.returned:
            if not answer.life_s:
                port.ended()
        elif not answer.external_port or not answer.life_s:
            self._refused(dialect, answer._replace(refusal="granted nothing"), now)
        else:
            self.external_host = answer.external_host or self.external_host
            self._spoken = dialect
            port.granted(answer.external_port, answer.life_s, now)
            self._ask_for_the_rest(now)

    def _ask_for_the_rest(self, now: float) -> None:
        for transport in TRANSPORTS:
            if transport not in self._ports:
                self._ports[transport] = AskedPort(transport, self._config, now)

    def _told_address(self, host: str, now: float) -> None:
        self.external_host = host
        if self._spoken is None:
            self._conclude(now)

    def _speak(self, dialect: NatPmp, now: float) -> None:
        self._spoken = dialect
        self._ports["udp"].renew(now)

    def _ask_others_again(self, but: str, now: float) -> None:
        for transport, port in self._ports.items():
            if transport != but and port.lease is not None and not port.returned:
                port.renew(now)
