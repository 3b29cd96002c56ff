"""Whether a new address is asked, and believed."""

from __future__ import annotations

from mesh99.wire.endpoint import Endpoint
from mesh99.wire.frames import PATH_CHALLENGE, Token, decode
from mesh99.wire.path_challenge import CHALLENGE_INTERVAL_S, CHALLENGE_PACKET_BYTES, TOKEN_S, PathChallenge

HERE, THERE = Endpoint("udp", "192.0.2.7", 1), Endpoint("udp", "192.0.2.8", 2)


def asked(challenge: PathChallenge, source: Endpoint, size: int, now: float) -> bytes | None:
    """Return the token that is sent for a packet, or None."""
    if not challenge.ask(source, size, now):
        return None
    ((frame, endpoint),), challenge.frames = challenge.frames, []
    assert endpoint == source
    (decoded,) = decode(frame)
    assert isinstance(decoded, Token)
    assert decoded.kind == PATH_CHALLENGE
    return decoded.token


def test_the_answer_proves_the_address_it_was_sent_to() -> None:
    challenge = PathChallenge(b"s" * 16, 0.0)
    token = asked(challenge, HERE, 100, 0.0)
    assert token is not None
    assert challenge.is_answer(token, HERE, 0.4)
    assert not challenge.is_answer(token, THERE, 0.4)
    assert not challenge.is_answer(b"12345678", HERE, 0.4)


def test_nothing_is_sent_that_is_longer_than_its_cause() -> None:
    challenge = PathChallenge(b"s" * 16, 0.0)
    assert asked(challenge, HERE, CHALLENGE_PACKET_BYTES - 1, 0.0) is None
    assert asked(challenge, HERE, CHALLENGE_PACKET_BYTES, 0.0) is not None


def test_an_address_is_not_asked_in_a_hurry_and_others_do_not_disturb_it() -> None:
    challenge = PathChallenge(b"s" * 16, 0.0)
    first = asked(challenge, HERE, 100, 0.0)
    assert first is not None
    assert asked(challenge, HERE, 100, CHALLENGE_INTERVAL_S / 2) is None
    other = asked(challenge, THERE, 100, CHALLENGE_INTERVAL_S / 2)
    assert other is not None
    assert challenge.is_answer(first, HERE, 1.0)
    assert challenge.is_answer(other, THERE, 1.0)


def test_an_old_token_is_worth_nothing() -> None:
    challenge = PathChallenge(b"s" * 16, 0.0)
    token = asked(challenge, HERE, 100, 10.0)
    assert token is not None
    assert challenge.is_answer(token, HERE, 10.0 + TOKEN_S)
    assert not challenge.is_answer(token, HERE, 10.0 + 2 * TOKEN_S)


def test_tokens_depend_on_a_secret() -> None:
    tokens = [asked(PathChallenge(secret * 16, 0.0), HERE, 100, 0.0) for secret in (b"s", b"t")]
    assert tokens[0] != tokens[1]


def test_a_knock_is_as_long_as_what_it_brings_back() -> None:
    challenge = PathChallenge(b"s" * 16, 0.0)
    assert challenge.knock(HERE, 0.0)
    ((knock, _),) = challenge.frames
    peer = PathChallenge(b"p" * 16, 0.0)
    peer.add(bytes(9), THERE)
    assert peer.ask(THERE, CHALLENGE_PACKET_BYTES - 9 + len(knock), 0.0)
    ((both, _),) = peer.frames
    assert len(both) == len(knock)


def test_what_answers_is_not_made_longer_than_its_cause() -> None:
    challenge = PathChallenge(b"s" * 16, 0.0)
    challenge.add(bytes(9), HERE)
    assert not challenge.ask(HERE, CHALLENGE_PACKET_BYTES + 8, 0.0)
