"""STUN messages against the RFCs' own vectors, and against every truncation and flipped bit."""

from __future__ import annotations

from hashlib import md5, sha256

import pytest

from mesh99.nat.stun.attributes import (
    Attribute,
    ErrorCode,
    decode_error,
    encode_error,
    encode_xor_address,
    mapped_address,
)
from mesh99.nat.stun.message import (
    MAGIC_COOKIE,
    MessageClass,
    Method,
    StunMessage,
    decode,
    encode,
    is_proved,
)
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.errors import DecodeError

# RFC 5769, sections 2.1 to 2.4, and RFC 8489, appendix B.1 with erratum 6268.
REQUEST = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae80220010"
    "5354554e207465737420636c69656e74002400046e0001ff"
    "80290008932ff9b151263b36000600096576746a3a683676"
    "59202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249"
    "c1b571a280280004e57a3bcf"
)
RESPONSE_IPV4 = bytes.fromhex(
    "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b"
    "7465737420766563746f7220002000080001a147e112a643"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7"
    "80280004c07d4c96"
)
RESPONSE_IPV6 = bytes.fromhex(
    "010100482112a442b7e7a701bc34d686fa87dfae8022000b"
    "7465737420766563746f7220002000140002a1470113a9fa"
    "a5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf1"
    "1784c97c8292c275bfe3ed4180280004c8fb0b4c"
)
REQUEST_LONG_TERM = bytes.fromhex(
    "000100602112a44278ad3433c6ad72c029da412e00060012"
    "e3839ee38388e383aae38383e382afe382b900000015001c"
    "662f2f3439396b39353464364f4c33346f4c394653547679"
    "363473410014000b6578616d706c652e6f72670000080014"
    "f67024656dd64a3e02b8e0712e85c9a28ca89666"
)
REQUEST_SHA256 = bytes.fromhex(
    "000100902112a44278ad3433c6ad72c029da412e001e0020"
    "4a3cf38fef6992bda952c6780417da0f24819415569e60b2"
    "05c46e41407f1704001500296f624d61744a6f7332414141"
    "43662f2f3439396b39353464364f4c33346f4c3946535476"
    "79363473410000000014000b6578616d706c652e6f726700"
    "001d000400020000001c0020b5c7bf005b6c52a21c51c5e8"
    "92f81924136296cb927c43149309278cc6518e65"
)
PASSWORD = b"VOkJxbRl1RmTxUk/WvJxBt"
USER, REALM = "マトリックス", "example.org"
LONG_TERM = f"{USER}:{REALM}:TheMatrIX".encode()


@pytest.mark.parametrize("data", [REQUEST, RESPONSE_IPV4, RESPONSE_IPV6])
def test_short_term_vectors_are_proved_by_their_password(data: bytes) -> None:
    message = decode(data)
    assert is_proved(message, sha1_key=PASSWORD)
    assert not is_proved(message, sha1_key=PASSWORD + b"x")


def test_long_term_vectors_are_proved_by_their_keys() -> None:
    assert is_proved(decode(REQUEST_LONG_TERM), sha1_key=md5(LONG_TERM).digest())
    assert is_proved(decode(REQUEST_SHA256), sha256_key=sha256(LONG_TERM).digest())
    assert decode(REQUEST_SHA256).find(Attribute.USERHASH) == sha256(f"{USER}:{REALM}".encode()).digest()


def test_the_header_and_attributes_of_the_request_vector() -> None:
    message = decode(REQUEST)
    assert (message.method, message.message_class) == (Method.BINDING, MessageClass.REQUEST)
    assert message.find(Attribute.USERNAME) == b"evtj:h6vY"
    assert message.find(Attribute.SOFTWARE) == b"STUN test client"


def test_the_mapped_addresses_of_the_response_vectors() -> None:
    assert mapped_address(decode(RESPONSE_IPV4)) == Endpoint("udp", "192.0.2.1", 32853)
    assert mapped_address(decode(RESPONSE_IPV6)) == Endpoint(
        "udp", "2001:db8:1234:5678:11:2233:4455:6677", 32853
    )


def test_a_long_term_message_of_ours_has_the_vectors_bytes() -> None:
    message = decode(REQUEST_LONG_TERM)
    plain = StunMessage(
        message.method, message.message_class, message.transaction_id, message.attributes[:-1]
    )
    assert encode(plain, sha1_key=md5(LONG_TERM).digest(), fingerprint=False) == REQUEST_LONG_TERM


def test_a_sha256_message_of_ours_has_the_vectors_bytes() -> None:
    message = decode(REQUEST_SHA256)
    plain = StunMessage(
        message.method, message.message_class, message.transaction_id, message.attributes[:-1]
    )
    assert encode(plain, sha256_key=sha256(LONG_TERM).digest(), fingerprint=False) == REQUEST_SHA256


@pytest.mark.parametrize("data", [REQUEST, RESPONSE_IPV4, RESPONSE_IPV6, REQUEST_LONG_TERM, REQUEST_SHA256])
def test_no_truncation_of_a_vector_parses(data: bytes) -> None:
    for size in range(len(data)):
        with pytest.raises(DecodeError):
            decode(data[:size])


@pytest.mark.parametrize(
    ("data", "key"), [(REQUEST, PASSWORD), (RESPONSE_IPV4, PASSWORD), (RESPONSE_IPV6, PASSWORD)]
)
def test_no_flipped_bit_passes(data: bytes, key: bytes) -> None:
    """One that turns the FINGERPRINT, which no proof covers, into something else changes nothing that was proved."""
    proved = decode(data).attributes[:-1]
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 0x80 >> bit % 8
        try:
            message = decode(bytes(flipped))
        except DecodeError:
            continue
        assert message.attributes == proved or not is_proved(message, sha1_key=key)


@pytest.mark.parametrize("method", [0x001, 0x003, 0x009, 0x0F0, 0xFFF])
@pytest.mark.parametrize("message_class", list(MessageClass))
def test_method_and_class_come_back(method: int, message_class: MessageClass) -> None:
    read = decode(encode(StunMessage(method, message_class, bytes(12))))
    assert (read.method, read.message_class) == (method, message_class)


def test_what_follows_a_proof_is_left_out() -> None:
    proved = encode(
        StunMessage(Method.BINDING, MessageClass.REQUEST, bytes(12)), sha1_key=b"k", fingerprint=False
    )
    added = bytes.fromhex("0006000441424344")
    longer = proved[:2] + (len(proved) - 20 + len(added)).to_bytes(2, "big") + proved[4:] + added
    message = decode(longer)
    assert message.find(Attribute.USERNAME) is None
    assert is_proved(message, sha1_key=b"k")


def test_an_address_longer_than_its_mask_is_none() -> None:
    value = encode_xor_address(Endpoint("udp", "2001:db8::1", 7), bytes(12)) + b"\x00"
    response = StunMessage(
        Method.BINDING, MessageClass.SUCCESS, bytes(12), ((Attribute.XOR_MAPPED_ADDRESS, value),)
    )
    with pytest.raises(DecodeError):
        mapped_address(response)


def test_an_error_code_comes_back() -> None:
    assert decode_error(encode_error(ErrorCode.STALE_NONCE)) == (438, "Stale Nonce")


def test_the_cookie_is_the_one_of_the_switch() -> None:
    assert REQUEST[4:8] == MAGIC_COOKIE
