"""A gateway that is asked for ports: which protocol is spoken, renewals, what is lost, what is given back."""

from __future__ import annotations

import pytest

from mesh99.nat.mapping.config import MappingConfig
from mesh99.nat.mapping.gateway import GatewayClient
from mesh99.wire.endpoint import Endpoint

GATEWAY = Endpoint("udp", "192.168.77.1", 5351)
OWN = Endpoint("udp", "192.168.77.2", 7400)
CONFIG = MappingConfig()
ANYWHERE = bytes(10) + b"\xff\xff"


class Router:
    """A gateway that grants what it is asked for, and a clock."""

    def __init__(self, *, pcp: bool = True, nat_pmp: bool = True, answers: bool = True) -> None:
        self.pcp, self.nat_pmp, self.answers = pcp, nat_pmp, answers
        self.now = 100.0
        self.epoch_s = 500
        self.life_s = 7200
        self.pcp_result = 0
        self.mapped: dict[tuple[str, int], int] = {}
        self.asked: list[bytes] = []
        self.client = GatewayClient(GATEWAY, OWN, CONFIG, bytes(32), self.now)

    def run(self, seconds: float) -> None:
        """Let time pass."""
        ends_at = self.now + seconds
        while True:
            self.client.handle_timeout(self.now)
            self._serve()
            due_at = self.client.next_timeout()
            if due_at is None or due_at > ends_at:
                break
            self.epoch_s += int(max(due_at, self.now)) - int(self.now)
            self.now = max(self.now, due_at)
        self.epoch_s += int(ends_at) - int(self.now)
        self.now = ends_at

    def say(self, packet: bytes, source: Endpoint = GATEWAY) -> None:
        """Send a packet to the client."""
        self.client.receive(packet, source, self.now)

    def _serve(self) -> None:
        while self.client.packets:
            packets, self.client.packets = self.client.packets, []
            for packet in packets:
                self.asked.append(packet)
                answer = self._answer(packet) if self.answers else b""
                if answer:
                    self.say(answer)

    def _answer(self, packet: bytes) -> bytes:
        epoch = self.epoch_s.to_bytes(4, "big")
        if packet[0] == 2:
            if not self.pcp:
                return b"\x00\x81\x00\x01" + epoch if self.nat_pmp else b""
            return self._pcp(packet, epoch)
        if not self.nat_pmp:
            return bytes((2, 0x80 | packet[1], 0, 1)) + bytes(4) + epoch + bytes(12) if self.pcp else b""
        if packet[1] == 0:
            return b"\x00\x80\x00\x00" + epoch + bytes((20, 0, 0, 1))
        transport = {1: "udp", 2: "tcp"}[packet[1]]
        port = self._map(transport, packet[4:6], packet[6:8], packet[8:12])
        life = min(self.life_s, int.from_bytes(packet[8:12], "big"))
        return bytes((0, 0x80 | packet[1], 0, 0)) + epoch + packet[4:6] + port + life.to_bytes(4, "big")

    def _pcp(self, packet: bytes, epoch: bytes) -> bytes:
        transport = {17: "udp", 6: "tcp"}[packet[36]]
        life = min(self.life_s, int.from_bytes(packet[4:8], "big"))
        head = bytes((2, 0x81, 0, self.pcp_result)) + life.to_bytes(4, "big") + epoch + bytes(12)
        port = packet[42:44]
        if not self.pcp_result:
            port = self._map(transport, packet[40:42], port, packet[4:8])
        return head + packet[24:42] + port + ANYWHERE + bytes((20, 0, 0, 1))

    def _map(self, transport: str, internal: bytes, external: bytes, life: bytes) -> bytes:
        key = transport, int.from_bytes(internal, "big")
        if any(life):
            self.mapped[key] = int.from_bytes(external, "big")
        else:
            self.mapped.pop(key, None)
        return external


BOTH = {("udp", 7400): 7400, ("tcp", 7400): 7400}


@pytest.mark.parametrize(
    ("pcp", "nat_pmp", "protocol"),
    [(True, True, "pcp"), (True, False, "pcp"), (False, True, "nat-pmp")],
)
def test_what_the_gateway_speaks_is_spoken(pcp: bool, nat_pmp: bool, protocol: str) -> None:
    router = Router(pcp=pcp, nat_pmp=nat_pmp)
    router.run(2.0)
    mapped = router.client.mapped
    assert mapped is not None
    assert (mapped.protocol, mapped.external_host) == (protocol, "20.0.0.1")
    assert (mapped.port("udp"), mapped.port("tcp")) == (7400, 7400)
    assert router.mapped == BOTH
    assert router.client.failure == ""


def test_nat_pmp_maps_nothing_where_pcp_does() -> None:
    router = Router()
    router.run(CONFIG.life_s * 2.0)
    assert not [packet for packet in router.asked if packet[:1] == b"\0" and packet[1]]


def test_a_gateway_that_ignores_pcp_is_asked_in_nat_pmp() -> None:
    router = Router()
    answer = router._answer
    router._answer = lambda packet: b"" if packet[0] == 2 else answer(packet)  # type: ignore[method-assign]
    router.run(2.0)
    assert router.client.mapped is not None
    assert router.client.mapped.protocol == "nat-pmp"


def test_where_pcp_is_refused_nat_pmp_may_be_granted() -> None:
    router = Router()
    router.pcp_result = 2
    router.run(2.0)
    assert router.client.mapped is not None
    assert router.client.mapped.protocol == "nat-pmp"


def test_refusals_are_told() -> None:
    router = Router(nat_pmp=False)
    router.pcp_result = 2
    router.run(10.0)
    assert router.client.mapped is None
    assert router.client.failure == "pcp: not authorized; nat-pmp: another version is spoken"
    assert router.client.next_timeout() is None


def test_silence_ends_the_asking() -> None:
    router = Router(answers=False)
    router.run(60.0)
    assert router.client.failure == "no answer"
    assert len(router.asked) == 2 * len(CONFIG.resend_s)
    assert router.client.next_timeout() is None


@pytest.mark.parametrize("pcp", [True, False])
def test_a_mapping_is_renewed_at_half_of_its_life(pcp: bool) -> None:
    router = Router(pcp=pcp)
    router.run(2.0)
    first = router.client.mapped
    asked = len(router.asked)
    router.run(CONFIG.life_s / 2 - 3)
    assert len(router.asked) == asked
    router.run(5.0)
    renewed = router.client.mapped
    assert first is not None
    assert renewed is not None
    assert renewed.leases[0].ends_at > first.leases[0].ends_at + 3000
    assert renewed._replace(leases=()) == first._replace(leases=())


def test_a_mapping_is_kept_over_a_short_silence_and_lost_at_its_end() -> None:
    router = Router()
    router.run(2.0)
    router.answers = False
    router.run(CONFIG.life_s * 0.75)
    assert router.client.mapped is not None
    router.answers = True
    router.run(CONFIG.life_s * 0.2)
    router.answers = False
    router.run(CONFIG.life_s * 0.8)
    assert router.client.mapped is not None
    router.run(CONFIG.life_s * 0.3)
    assert router.client.mapped is None
    assert router.client.failure == "pcp: no answer"


def test_short_lives_are_not_renewed_without_pause() -> None:
    router = Router()
    router.life_s = 1
    router.run(CONFIG.renew_s_min * 10)
    assert len(router.asked) < 2 * 10 * (len(CONFIG.resend_s) + 2)


def test_a_gateway_that_began_anew_is_asked_for_everything_again() -> None:
    router = Router()
    router.run(600.0)
    router.mapped.clear()
    router.epoch_s = 3
    router.client.renew(router.now)
    router.run(1.0)
    assert router.mapped == BOTH
    # Any answer tells it: here that of the UDP renewal brings TCP back.
    router.mapped.clear()
    router.epoch_s = 0
    router.client._ports["udp"].renew(router.now)
    router.run(1.0)
    assert router.mapped == BOTH


@pytest.mark.parametrize("pcp", [True, False])
def test_what_was_mapped_is_given_back(pcp: bool) -> None:
    router = Router(pcp=pcp)
    router.run(2.0)
    assert not router.client.is_done
    router.client.give_back(router.now)
    router.run(1.0)
    assert router.mapped == {}
    assert router.client.is_done
    assert router.client.next_timeout() is None


def test_giving_back_to_a_gateway_that_is_gone_ends() -> None:
    router = Router()
    router.run(2.0)
    router.answers = False
    router.client.give_back(router.now)
    router.run(5.0)
    assert router.client.is_done


def test_only_the_gateway_is_heard() -> None:
    router = Router(answers=False)
    router.run(0.1)
    answers = [router._answer(packet) for packet in router.asked]
    for answer in answers:
        for source in (GATEWAY._replace(host="192.168.77.9"), GATEWAY._replace(port=5350)):
            router.say(answer, source)
    assert router.client.mapped is None
    assert router.client.dropped == {"mapping: not from the gateway": 2 * len(answers)}


def test_a_wrong_nonce_is_counted() -> None:
    router = Router(answers=False)
    router.run(0.1)
    answer = bytearray(router._answer(router.asked[0]))
    answer[30] ^= 1
    router.say(bytes(answer))
    assert router.client.mapped is None
    assert router.client.dropped == {"pcp: answer to nothing that was asked": 1}


def test_the_same_node_has_the_same_nonce_in_its_next_life() -> None:
    """A gateway lets nobody else change a mapping (RFC 6887, section 11.3); a node that was killed comes back."""
    first, second = Router(), Router()
    other = GatewayClient(GATEWAY, OWN, CONFIG, bytes(31) + b"\1", 0.0)
    for client in (first.client, second.client, other):
        client.handle_timeout(200.0)
    assert first.client.packets[0] == second.client.packets[0] != other.packets[0]
