"""Endpoints: text, bytes, and what kind of address it is."""

from __future__ import annotations

import pytest

from mesh99.wire.codec import Reader
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.errors import ConfigError, DecodeError


def unpacked(data: bytes) -> Endpoint:
    reader = Reader(data, "endpoint")
    endpoint = Endpoint.unpack(reader)
    reader.end()
    return endpoint


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("127.0.0.1:7400", "udp://127.0.0.1:7400"),
        ("localhost:7400", "udp://127.0.0.1:7400"),
        ("udp://10.0.0.1:1", "udp://10.0.0.1:1"),
        ("tcp://10.0.0.1:65535", "tcp://10.0.0.1:65535"),
        ("[::1]:7400", "udp://[::1]:7400"),
        ("tcp://[2001:DB8:0:0::1]:7400", "tcp://[2001:db8::1]:7400"),
        ("[::ffff:10.0.0.1]:7400", "udp://10.0.0.1:7400"),
        ("0.0.0.0:0", "udp://0.0.0.0:0"),
    ],
)
def test_text_forms(text: str, shown: str) -> None:
    endpoint = Endpoint.parse(text)
    assert str(endpoint) == shown
    assert Endpoint.parse(shown) == endpoint
    assert unpacked(endpoint.pack()) == endpoint


def test_the_transport_may_be_given_beside_the_text() -> None:
    assert Endpoint.parse("127.0.0.1:4567", "tcp").transport == "tcp"
    assert Endpoint.parse("udp://127.0.0.1:4567", "tcp").transport == "udp"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7400",
        "127.0.0.1",
        "127.0.0.1:",
        ":7400",
        "127.0.0.1:70000",
        "127.0.0.1:-1",
        "127.0.0.1:x",
        "127.0.0.256:1",
        "example.org:7400",
        "http://127.0.0.1:1",
        "udp://127.0.0.1:1/path",
        "127.0.0.1:1?query",
        "127.0.0.1:1#part",
        "user@127.0.0.1:1",
        "127.0.0.1:1\n",
        "::1:7400",
        "[::1]",
        "[::1:7400",
        "udp://",
    ],
)
def test_what_is_no_endpoint_is_named_with_a_hint(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Endpoint.parse(text)
    assert caught.value.field == "endpoint"
    assert caught.value.hint


def test_byte_forms() -> None:
    assert Endpoint("udp", "192.0.2.1", 7400).pack().hex() == "00c00002011ce8"
    assert Endpoint("tcp", "192.0.2.1", 7400).pack().hex() == "02c00002011ce8"
    assert len(Endpoint("udp", "::1", 1).pack()) == 19


@pytest.mark.parametrize("data", ["", "04c00002011ce8", "00c00002011c", "01c00002011ce8", "00" + "c0" * 7])
def test_wrong_bytes_raise_decode_errors(data: str) -> None:
    with pytest.raises(DecodeError):
        unpacked(bytes.fromhex(data))


def test_an_ipv4_address_cannot_hide_in_ipv6_bytes() -> None:
    hidden = b"\x01" + bytes(10) + b"\xff\xff" + bytes((127, 0, 0, 1)) + b"\x1c\xe8"
    with pytest.raises(DecodeError, match="IPv4"):
        unpacked(hidden)


@pytest.mark.parametrize(
    ("host", "loopback", "private", "usable"),
    [
        ("127.0.0.1", True, True, True),
        ("::1", True, True, True),
        ("192.168.1.1", False, True, True),
        ("fd00::1", False, True, True),
        ("8.8.8.8", False, False, True),
        ("2a00::1", False, False, True),
        ("224.0.0.1", False, False, False),
        ("ff02::1", False, False, False),
        ("0.0.0.0", False, True, False),
        ("::", False, True, False),
        ("255.255.255.255", False, True, False),
    ],
)
def test_kinds_of_addresses(host: str, loopback: bool, private: bool, usable: bool) -> None:
    endpoint = Endpoint("udp", host, 7400)
    assert endpoint.is_loopback == loopback
    assert endpoint.is_private == private or not usable
    assert endpoint.is_usable == usable
    assert not endpoint._replace(port=0).is_usable
