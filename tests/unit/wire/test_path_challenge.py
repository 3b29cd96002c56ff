"""Whether a new address is asked, and believed."""

from __future__ import annotations

from mesh99.wire.endpoint import Endpoint
from mesh99.wire.frames import PATH_CHALLENGE, Token, decode
from mesh99.wire.path_challenge import CHALLENGE_INTERVAL_S, CHALLENGE_PACKET_BYTES, PathChallenge

HERE, THERE = Endpoint("udp", "192.0.2.7", 1), Endpoint("udp", "192.0.2.8", 2)


def token_of(frame: bytes | None) -> bytes:
    assert frame is not None
    (decoded,) = decode(frame)
    assert isinstance(decoded, Token)
    assert decoded.kind == PATH_CHALLENGE
    return decoded.token


def test_the_answer_proves_the_address_once() -> None:
    challenge = PathChallenge(b"s" * 16)
    token = token_of(challenge.frame_for(HERE, 100, 5, 0.0))
    assert challenge.answered(b"12345678") is None
    assert challenge.answered(token) == HERE
    assert challenge.answered(token) is None


def test_nothing_is_sent_that_is_longer_than_its_cause() -> None:
    challenge = PathChallenge(b"s" * 16)
    assert challenge.frame_for(HERE, CHALLENGE_PACKET_BYTES - 1, 5, 0.0) is None
    assert challenge.frame_for(HERE, CHALLENGE_PACKET_BYTES, 5, 0.0) is not None


def test_an_address_is_not_asked_in_a_hurry_and_the_latest_counts() -> None:
    challenge = PathChallenge(b"s" * 16)
    first = token_of(challenge.frame_for(HERE, 100, 5, 0.0))
    assert challenge.frame_for(HERE, 100, 6, CHALLENGE_INTERVAL_S / 2) is None
    other = token_of(challenge.frame_for(THERE, 100, 7, CHALLENGE_INTERVAL_S / 2))
    assert challenge.answered(first) is None
    assert challenge.answered(other) == THERE
    assert token_of(challenge.frame_for(HERE, 100, 8, 1.0)) != first


def test_tokens_depend_on_a_secret() -> None:
    tokens = [token_of(PathChallenge(secret * 16).frame_for(HERE, 100, 5, 0.0)) for secret in (b"s", b"t")]
    assert tokens[0] != tokens[1]
