"""The answer to Binding requests, and the tests of RFC 5780."""

from __future__ import annotations

import pytest

from mesh99.nat.stun.attributes import Attribute, decode_address, decode_error, mapped_address
from mesh99.nat.stun.binding import CHANGE_IP, CHANGE_PORT, BindingServer
from mesh99.nat.stun.message import MessageClass, Method, StunMessage, decode, encode
from mesh99.wire.endpoint import Endpoint

SOURCE = Endpoint("udp", "198.51.100.7", 40000)
ID = bytes(range(12))
OTHERS = (
    Endpoint("udp", "192.0.2.1", 3478),
    Endpoint("udp", "192.0.2.1", 3479),
    Endpoint("udp", "192.0.2.2", 3478),
    Endpoint("udp", "192.0.2.2", 3479),
)


def request(*attributes: tuple[int, bytes], method: int = Method.BINDING) -> StunMessage:
    return decode(encode(StunMessage(method, MessageClass.REQUEST, ID, attributes)))


def test_a_request_is_told_its_source() -> None:
    answer = BindingServer().answer(request(), SOURCE)
    assert answer is not None
    response = decode(answer.packet)
    assert (response.message_class, response.transaction_id) == (MessageClass.SUCCESS, ID)
    assert mapped_address(response) == SOURCE
    assert (answer.destination, answer.origin) == (SOURCE, None)


@pytest.mark.parametrize("message_class", [MessageClass.INDICATION, MessageClass.SUCCESS, MessageClass.ERROR])
def test_only_requests_are_answered(message_class: MessageClass) -> None:
    assert BindingServer().answer(StunMessage(Method.BINDING, message_class, ID), SOURCE) is None


def test_other_methods_are_for_others() -> None:
    assert BindingServer().answer(request(method=Method.ALLOCATE), SOURCE) is None


def test_an_attribute_that_must_be_understood_is_named_in_the_refusal() -> None:
    answer = BindingServer().answer(request((0x7777, b"x"), (Attribute.CHANGE_REQUEST, bytes(4))), SOURCE)
    assert answer is not None
    response = decode(answer.packet)
    assert decode_error(response.find(Attribute.ERROR_CODE) or b"")[0] == 420
    assert response.find(Attribute.UNKNOWN_ATTRIBUTES) == bytes.fromhex("77770003")


@pytest.mark.parametrize(
    ("flags", "origin"),
    [(0, None), (CHANGE_PORT, OTHERS[1]), (CHANGE_IP, OTHERS[2]), (CHANGE_IP | CHANGE_PORT, OTHERS[3])],
)
def test_an_rfc_5780_server_answers_from_where_it_is_asked_to(flags: int, origin: Endpoint | None) -> None:
    asked = request((Attribute.CHANGE_REQUEST, flags.to_bytes(4, "big")))
    answer = BindingServer(OTHERS).answer(asked, SOURCE, OTHERS[0])
    assert answer is not None
    assert answer.origin == origin
    response = decode(answer.packet)
    assert decode_address(response.find(Attribute.RESPONSE_ORIGIN) or b"") == (origin or OTHERS[0])
    assert decode_address(response.find(Attribute.OTHER_ADDRESS) or b"") == OTHERS[3]


def test_a_change_request_of_the_wrong_size_is_a_bad_request() -> None:
    answer = BindingServer(OTHERS).answer(request((Attribute.CHANGE_REQUEST, b"\x01")), SOURCE, OTHERS[0])
    assert answer is not None
    assert decode_error(decode(answer.packet).find(Attribute.ERROR_CODE) or b"")[0] == 400


def test_the_answer_goes_to_the_port_that_is_asked_for() -> None:
    asked = request((Attribute.RESPONSE_PORT, (4242).to_bytes(2, "big") + bytes(2)))
    answer = BindingServer(OTHERS).answer(asked, SOURCE, OTHERS[0])
    assert answer is not None
    assert answer.destination == SOURCE._replace(port=4242)
