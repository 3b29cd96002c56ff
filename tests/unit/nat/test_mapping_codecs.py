"""PCP and NAT-PMP packets, field by field as the figures of RFC 6887 and RFC 6886 have them; clocks and routes."""

from __future__ import annotations

import sys

import pytest

from mesh99.nat.mapping.answer import LIFE_S_MAX, Answer
from mesh99.nat.mapping.epoch import Epoch
from mesh99.nat.mapping.nat_pmp import NatPmp
from mesh99.nat.mapping.pcp import Pcp, nonce_of
from mesh99.nat.mapping.routes import Route, default_gateway
from mesh99.wire.errors import DecodeError

SECRET = bytes(32)
OWN = "192.168.77.2"
NONCE = nonce_of(f"{OWN} 7400 udp", SECRET).hex()

# RFC 6887, figures 2 and 9.
PCP_REQUEST = (
    "02"  # version
    "01"  # R = 0, opcode MAP
    "0000"  # reserved
    "00001c20"  # requested lifetime: 7200
    "00000000000000000000ffffc0a84d02"  # client's address
    f"{NONCE}"
    "11"  # protocol: UDP
    "000000"  # reserved
    "1ce8"  # internal port: 7400
    "1ce8"  # suggested external port
    "00000000000000000000ffff00000000"  # suggested external address: any
)
# RFC 6887, figures 3 and 10.
PCP_RESPONSE = (
    "02"  # version
    "81"  # R = 1, opcode MAP
    "00"  # reserved
    "00"  # result: success
    "00000e10"  # lifetime: 3600
    "00000214"  # epoch: 532
    "000000000000000000000000"  # reserved
    f"{NONCE}"
    "11000000"  # UDP, reserved
    "1ce8"  # internal port
    "2710"  # assigned external port: 10000
    "00000000000000000000ffff14000001"  # assigned external address: 20.0.0.1
)

NAT_PMP_ADDRESS_REQUEST = "0000"  # section 3.2: version, opcode
NAT_PMP_ADDRESS_RESPONSE = "008000000000021414000001"  # version, opcode, result, epoch, address
# Section 3.3: version, opcode, reserved, internal port, suggested external port, lifetime.
NAT_PMP_REQUEST = "000100001ce81ce800001c20"
# The same: version, opcode, result, epoch, internal port, mapped external port, lifetime.
NAT_PMP_RESPONSE = "00810000000002141ce8271000000e10"


def pcp() -> Pcp:
    return Pcp(OWN, 7400, SECRET)


def test_a_pcp_request_is_as_in_the_figure() -> None:
    assert pcp().request("udp", 7200, 7400).hex() == PCP_REQUEST


def test_a_pcp_request_of_an_ipv6_host_has_its_address_as_it_is() -> None:
    request = Pcp("2001:db8::2", 7400, SECRET).request("tcp", 0, 0)
    assert request[8:24].hex() == "20010db8000000000000000000000002"
    assert (request[36], request[44:60]) == (6, bytes(16))


def test_a_pcp_response_is_read() -> None:
    answer = pcp().read(bytes.fromhex(PCP_RESPONSE))
    assert answer == Answer("udp", "", 532, 3600, "20.0.0.1", 10000)


def test_options_after_a_pcp_response_are_ignored() -> None:
    assert pcp().read(bytes.fromhex(PCP_RESPONSE + "02000004c0a84d02")).external_port == 10000


@pytest.mark.parametrize(
    ("result", "words"),
    [(2, "not authorized"), (8, "no resources"), (10, "quota"), (12, "another box"), (99, "result 99")],
)
def test_a_pcp_refusal_says_why(result: int, words: str) -> None:
    packet = bytearray.fromhex(PCP_RESPONSE)
    packet[3] = result
    answer = pcp().read(bytes(packet))
    assert words in answer.refusal
    assert answer.transport == "udp"


def test_another_version_is_told_by_pcp_without_a_mapping() -> None:
    assert pcp().read(bytes.fromhex("02810001" + "00000000" + "00000214" + "00" * 12)).unsupported


@pytest.mark.parametrize(
    ("position", "what"),
    [(0, "version"), (1, "opcode"), (24, "nonce"), (36, "protocol"), (40, "internal port")],
)
def test_a_pcp_response_to_something_else_is_refused(position: int, what: str) -> None:
    packet = bytearray.fromhex(PCP_RESPONSE)
    packet[position] ^= 0x40
    with pytest.raises(DecodeError):
        pcp().read(bytes(packet))


def test_a_life_without_end_is_cut() -> None:
    packet = bytearray.fromhex(PCP_RESPONSE)
    packet[4:8] = b"\xff" * 4
    assert pcp().read(bytes(packet)).life_s == LIFE_S_MAX


def test_nat_pmp_requests_are_as_in_the_figures() -> None:
    assert NatPmp(7400).address_request().hex() == NAT_PMP_ADDRESS_REQUEST
    assert NatPmp(7400).request("udp", 7200, 7400).hex() == NAT_PMP_REQUEST
    assert NatPmp(7400).request("tcp", 0, 0).hex() == "000200001ce8000000000000"


def test_nat_pmp_responses_are_read() -> None:
    read = NatPmp(7400).read
    assert read(bytes.fromhex(NAT_PMP_ADDRESS_RESPONSE)) == Answer("", "", 532, external_host="20.0.0.1")
    assert read(bytes.fromhex(NAT_PMP_RESPONSE)) == Answer("udp", "", 532, 3600, external_port=10000)
    assert read(bytes.fromhex("00820004000002141ce8000000000000")).refusal == "no resources"
    assert read(bytes.fromhex("0080000300000214")).refusal == "network failure"
    assert read(bytes.fromhex("0000000100000214")).unsupported


@pytest.mark.parametrize("packet", [NAT_PMP_RESPONSE.replace("1ce8", "1ce9"), "01" + NAT_PMP_RESPONSE[2:]])
def test_a_nat_pmp_response_to_something_else_is_refused(packet: str) -> None:
    with pytest.raises(DecodeError):
        NatPmp(7400).read(bytes.fromhex(packet))


@pytest.mark.parametrize("packet", [PCP_RESPONSE, NAT_PMP_ADDRESS_RESPONSE, NAT_PMP_RESPONSE])
def test_every_truncation_is_refused(packet: str) -> None:
    whole = bytes.fromhex(packet)
    read = pcp().read if whole[0] == 2 else NatPmp(7400).read
    for size in range(len(whole)):
        with pytest.raises(DecodeError):
            read(whole[:size])


@pytest.mark.parametrize(
    ("theirs_s", "ours_s", "goes_on"),
    [
        (1000, 1000.0, True),
        (1002, 1000.0, True),
        (998, 1000.0, True),
        (950, 1000.0, True),
        (900, 1000.0, False),  # it stood still, or began anew not long ago
        (1100, 1000.0, False),
        (-1, 0.0, True),  # two answers may overtake each other
        (-2, 0.0, False),
    ],
)
def test_a_clock_that_jumps_has_begun_anew(theirs_s: int, ours_s: float, goes_on: bool) -> None:
    epoch = Epoch()
    assert epoch.goes_on(5000, 10.0)
    assert epoch.goes_on(5000 + theirs_s, 10.0 + ours_s) is goes_on


def _number(address: bytes) -> str:
    return f"{int.from_bytes(address, sys.byteorder):08X}"


def test_the_default_gateway_is_read_from_the_routes() -> None:
    head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
    gateway, net = _number(bytes((192, 168, 77, 1))), _number(bytes((192, 168, 77, 0)))
    lines = [
        f"wlan0\t00000000\t{_number(bytes((10, 0, 0, 1)))}\t0003\t0\t0\t600\t00000000\t0\t0\t0",
        f"eth0\t00000000\t{gateway}\t0003\t0\t0\t100\t00000000\t0\t0\t0",
        f"eth0\t{net}\t00000000\t0001\t0\t0\t0\t{_number(bytes((255, 255, 255, 0)))}\t0\t0\t0",
        "tun0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0",
        "short",
    ]
    assert default_gateway(head + "\n".join(lines)) == Route(100, "192.168.77.1", "eth0")
    assert default_gateway(head) is None
