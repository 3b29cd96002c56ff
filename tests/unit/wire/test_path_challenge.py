"""Whether a new address is asked, and believed."""

from __future__ import annotations

from mesh99.wire.endpoint import Endpoint
from mesh99.wire.frames import PATH_CHALLENGE, Token, decode
from mesh99.wire.path_challenge import CHALLENGE_INTERVAL_S, CHALLENGE_PACKET_BYTES, TOKEN_S, PathChallenge

HERE, THERE = Endpoint("udp", "192.0.2.7", 1), Endpoint("udp", "192.0.2.8", 2)


def token_of(frame: bytes | None) -> bytes:
    assert frame is not None
    (decoded,) = decode(frame)
    assert isinstance(decoded, Token)
    assert decoded.kind == PATH_CHALLENGE
    return decoded.token


def test_the_answer_proves_the_address_it_was_sent_to() -> None:
    challenge = PathChallenge(b"s" * 16)
    token = token_of(challenge.frame_for(HERE, 100, 0.0))
    assert challenge.is_answer(token, HERE, 0.4)
    assert not challenge.is_answer(token, THERE, 0.4)
    assert not challenge.is_answer(b"12345678", HERE, 0.4)


def test_nothing_is_sent_that_is_longer_than_its_cause() -> None:
    challenge = PathChallenge(b"s" * 16)
    assert challenge.frame_for(HERE, CHALLENGE_PACKET_BYTES - 1, 0.0) is None
    assert challenge.frame_for(HERE, CHALLENGE_PACKET_BYTES, 0.0) is not None


def test_an_address_is_not_asked_in_a_hurry_and_others_do_not_disturb_it() -> None:
    challenge = PathChallenge(b"s" * 16)
    first = token_of(challenge.frame_for(HERE, 100, 0.0))
    assert challenge.frame_for(HERE, 100, CHALLENGE_INTERVAL_S / 2) is None
    other = token_of(challenge.frame_for(THERE, 100, CHALLENGE_INTERVAL_S / 2))
    assert challenge.is_answer(first, HERE, 1.0)
    assert challenge.is_answer(other, THERE, 1.0)


def test_an_old_token_is_worth_nothing() -> None:
    challenge = PathChallenge(b"s" * 16)
    token = token_of(challenge.frame_for(HERE, 100, 10.0))
    assert challenge.is_answer(token, HERE, 10.0 + TOKEN_S)
    assert not challenge.is_answer(token, HERE, 10.0 + 2 * TOKEN_S)


def test_tokens_depend_on_a_secret() -> None:
    tokens = [token_of(PathChallenge(secret * 16).frame_for(HERE, 100, 0.0)) for secret in (b"s", b"t")]
    assert tokens[0] != tokens[1]
