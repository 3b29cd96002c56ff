"""Credentials of the TURN server: who is let in, and what strangers learn and cost."""

from __future__ import annotations

import pytest
from turn_world import CLIENT, REALM, UDP, UNIX_NOW, TurnClient, TurnWorld, code_of

from mesh99.nat.stun.attributes import Attribute
from mesh99.nat.stun.message import MESSAGE_BYTES_MAX, Method, StunMessage, decode, encode, is_proved
from mesh99.nat.turn.config import TurnConfig
from mesh99.nat.turn.credentials import (
    PASSWORD_ALGORITHMS,
    Credentials,
    PasswordAlgorithm,
    long_term_key,
    time_limited_password,
)
from mesh99.nat.turn.nonces import Nonces

SECRET = "north"
OTHER_CLIENT = CLIENT._replace(port=40_001)


def without(request: bytes, kind: int, client: TurnClient) -> bytes:
    """Return a request again without an attribute, proved all the same."""
    message = decode(request)
    kept = [each for each in message.attributes if each[0] not in (kind, Attribute.MESSAGE_INTEGRITY, 0x8028)]
    again = StunMessage(message.method, message.message_class, message.transaction_id, tuple(kept))
    return encode(again, sha1_key=client.key)


def test_a_stranger_is_told_realm_nonce_and_algorithms() -> None:
    world = TurnWorld()
    client = world.client()
    answer = client.ask(encode(client.message(Method.ALLOCATE, UDP)))
    assert code_of(answer) == 401
    assert answer.find(Attribute.REALM) == REALM.encode()
    assert (answer.find(Attribute.NONCE) or b"").startswith(b"obMatJos2AAAB")
    assert answer.find(Attribute.PASSWORD_ALGORITHMS) == PASSWORD_ALGORITHMS
    assert answer.find(Attribute.MESSAGE_INTEGRITY) is None
    assert world.server.allocations == 0


@pytest.mark.parametrize("kind", [Attribute.USERNAME, Attribute.REALM, Attribute.NONCE])
def test_half_of_the_credentials_is_a_bad_request(kind: Attribute) -> None:
    client = TurnWorld().client()
    assert code_of(client.ask(without(client.signed(Method.ALLOCATE, UDP), kind, client))) == 400


@pytest.mark.parametrize(
    ("username", "password"),
    [("ann", "wrong"), ("bob", "secret"), ("carl", "secret"), ("", "secret"), ("a" * 600, "secret")],
)
def test_wrong_credentials_are_no_credentials(username: str, password: str) -> None:
    world = TurnWorld()
    client = world.client(username=username, password=password)
    assert code_of(client.request(Method.ALLOCATE, UDP)) == 401
    assert world.server.allocations == 0


def test_a_user_name_that_is_no_text() -> None:
    client = TurnWorld().client()
    message = decode(client.signed(Method.ALLOCATE, UDP))
    changed = tuple(
        (kind, b"\xff\xfe" if kind == Attribute.USERNAME else value) for kind, value in message.attributes
    )
    kept = tuple(
        each for each in changed if each[0] not in (Attribute.MESSAGE_INTEGRITY, Attribute.FINGERPRINT)
    )
    request = StunMessage(message.method, message.message_class, message.transaction_id, kept)
    assert code_of(client.ask(encode(request, sha1_key=client.key))) == 401


def test_a_nonce_goes_stale_and_a_fresh_one_comes_along() -> None:
    world = TurnWorld()
    client = world.client()
    client.allocate()
    world.pass_time(300)
    client.refresh(3600)
    world.pass_time(301)
    answer = client.refresh(600)
    assert code_of(answer) == 438
    client.nonce = answer.find(Attribute.NONCE) or b""
    assert code_of(client.refresh(600)) == 0


@pytest.mark.parametrize(
    "nonce", [b"x", b"\xff" * 33, b"obMatJos2AAAB" + b"A" * 20, b"obMatJos2AAAB" + b"*" * 20]
)
def test_a_nonce_that_is_not_ours_is_stale(nonce: bytes) -> None:
    client = TurnWorld().client()
    client.nonce = nonce
    assert code_of(client.request(Method.ALLOCATE, UDP)) == 438


def test_a_request_played_again_from_elsewhere_is_stale() -> None:
    world = TurnWorld()
    request = world.client().signed(Method.ALLOCATE, UDP)
    assert code_of(world.client(OTHER_CLIENT).ask(request)) == 438
    assert world.server.allocations == 0


def test_nonces_are_for_one_client_and_a_time() -> None:
    nonces, others = Nonces(b"k" * 32, 600), Nonces(b"l" * 32, 600)
    nonce = nonces.make(CLIENT, 5000.9)
    assert nonces.is_fresh(nonce, CLIENT, 5600.0)
    assert not nonces.is_fresh(nonce, CLIENT, 5601.0)
    assert not nonces.is_fresh(nonce, CLIENT, 4999.0)
    assert not nonces.is_fresh(nonce, OTHER_CLIENT, 5001.0)
    assert not others.is_fresh(nonce, CLIENT, 5001.0)


@pytest.mark.parametrize("algorithm", list(PasswordAlgorithm))
@pytest.mark.parametrize("sha256", [False, True])
def test_keys_and_proofs_of_both_kinds(algorithm: PasswordAlgorithm, sha256: bool) -> None:
    client = TurnWorld().client()
    client.algorithm = algorithm
    answer = client.request(Method.ALLOCATE, UDP, sha256=sha256)
    assert code_of(answer) == 0
    assert is_proved(answer, **{"sha256_key" if sha256 else "sha1_key": client.key})
    assert (answer.find(Attribute.MESSAGE_INTEGRITY) is None) == sha256


def test_of_two_proofs_both_must_hold() -> None:
    client = TurnWorld().client()
    request = client.signed(Method.ALLOCATE, UDP, both=True)
    message = decode(request)
    unproved = message.attributes[:-3]  # without both proofs and the fingerprint
    half = StunMessage(message.method, message.message_class, message.transaction_id, unproved)
    assert code_of(client.ask(encode(half, sha1_key=client.key, sha256_key=b"another"))) == 401
    assert code_of(client.ask(request)) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {Attribute.PASSWORD_ALGORITHMS: bytes.fromhex("00010000")},
        {Attribute.PASSWORD_ALGORITHM: bytes.fromhex("00030000")},
        {Attribute.PASSWORD_ALGORITHM: bytes.fromhex("00020004")},
        {Attribute.PASSWORD_ALGORITHM: b"\x00\x02"},
    ],
)
def test_nobody_in_between_can_talk_a_client_down(changes: dict[int, bytes]) -> None:
    client = TurnWorld().client()
    client.algorithm = PasswordAlgorithm.SHA256
    message = decode(client.signed(Method.ALLOCATE, UDP))
    kept = [
        (kind, changes.get(kind, value)) for kind, value in message.attributes if kind not in (0x0008, 0x8028)
    ]
    request = StunMessage(message.method, message.message_class, message.transaction_id, tuple(kept))
    assert code_of(client.ask(encode(request, sha1_key=client.key))) == 400


@pytest.mark.parametrize("kind", [Attribute.PASSWORD_ALGORITHMS, Attribute.PASSWORD_ALGORITHM])
def test_half_a_choice_is_a_bad_request(kind: Attribute) -> None:
    client = TurnWorld().client()
    client.algorithm = PasswordAlgorithm.SHA256
    assert code_of(client.ask(without(client.signed(Method.ALLOCATE, UDP), kind, client))) == 400


def time_limited(world: TurnWorld, ends_in_s: int, name: str = ":ann", endpoint: object = None) -> TurnClient:
    username = f"{int(UNIX_NOW) + ends_in_s}{name}"
    return world.client(endpoint or CLIENT, username, time_limited_password(SECRET, username))  # type: ignore[arg-type]


def test_time_limited_credentials_are_good_until_they_end() -> None:
    world = TurnWorld(secret=SECRET)
    time_limited(world, 10).allocate()
    assert code_of(time_limited(world, 0, endpoint=OTHER_CLIENT).request(Method.ALLOCATE, UDP)) == 401
    time_limited(world, 1, "", endpoint=OTHER_CLIENT).allocate()


def test_an_allocation_outlives_the_credentials_that_made_it() -> None:
    world = TurnWorld(secret=SECRET)
    client = time_limited(world, 10)
    client.allocate()
    world.pass_time(60)
    assert code_of(client.refresh(600)) == 0


@pytest.mark.parametrize("username", ["", ":ann", "ann", "٣:ann", "9" * 13 + ":ann", "-5:ann"])
def test_names_that_end_at_no_time(username: str) -> None:
    assert Credentials({}, SECRET).password(username, 0.0) is None


def test_without_a_secret_no_name_is_made_up() -> None:
    world = TurnWorld()
    assert code_of(time_limited(world, 100).request(Method.ALLOCATE, UDP)) == 401


def test_a_persons_time_limited_names_share_a_quota() -> None:
    world = TurnWorld(TurnConfig(allocations_per_user_max=1), secret=SECRET)
    time_limited(world, 10).allocate()
    again = time_limited(world, 20, endpoint=OTHER_CLIENT)
    assert code_of(again.request(Method.ALLOCATE, UDP)) == 486


def test_the_password_is_that_of_the_draft() -> None:
    # openssl: printf 12334939:mbzrxpgjys | openssl dgst -sha1 -hmac north -binary | base64
    assert time_limited_password("north", "12334939:mbzrxpgjys") == "Iq7YXkRon8YXJfdN1Ke9EZOw1UE="


def test_keys_of_rfc_8489() -> None:
    assert long_term_key("user", "realm", "pass").hex() == "8493fbc53ba582fb4c044c456bdc40eb"
    assert len(long_term_key("user", "realm", "pass", PasswordAlgorithm.SHA256)) == 32


@pytest.mark.parametrize("method", [Method.BINDING, Method.ALLOCATE, Method.REFRESH])
def test_answers_to_strangers_are_little_longer_than_what_they_sent(method: Method) -> None:
    client = TurnWorld().client()
    request = encode(client.message(method, []), fingerprint=False)
    (answer,) = client.receive(request)
    assert len(answer.data) <= len(request) + 92


def test_what_a_stranger_sends_does_not_make_the_answer_longer() -> None:
    client = TurnWorld().client()
    many = [(number, b"") for number in range(0x7000, 0x7030)]
    (answer,) = client.receive(encode(client.message(Method.ALLOCATE, many), fingerprint=False))
    assert len(answer.data) <= 20 + 92


def test_a_source_may_ask_so_often() -> None:
    world = TurnWorld(TurnConfig(requests_per_s=10, requests_burst=20))
    client, neighbour = world.client(), world.client(CLIENT._replace(host="8.8.8.8"))
    request = encode(client.message(Method.ALLOCATE, []))
    assert sum(len(client.receive(request)) for _ in range(100)) == 20
    assert len(neighbour.receive(request)) == 1
    world.pass_time(1.0)
    assert sum(len(client.receive(request)) for _ in range(100)) == 10
    assert world.server.dropped["turn: over the rate of a source"] == 170


def test_a_site_of_ipv6_is_one_source() -> None:
    world = TurnWorld(TurnConfig(requests_per_s=10, requests_burst=20))
    sources = [CLIENT._replace(host=f"2620:fe:0:1::{number:x}") for number in range(1, 41)]
    answered = [
        world.client(each).receive(encode(world.client().message(Method.BINDING, []))) for each in sources
    ]
    assert sum(map(len, answered)) == 20


def test_sources_that_are_remembered_are_bounded() -> None:
    world = TurnWorld(TurnConfig(sources_max=8, strangers_per_s=1e6))
    for number in range(100):
        world.client(CLIENT._replace(host=f"8.8.8.{number}")).receive(b"\x00\x01")
    assert len(world.server._sources) == 8


def test_all_strangers_together_have_a_rate() -> None:
    world = TurnWorld(TurnConfig(strangers_per_s=50))
    answers = 0
    for number in range(200):
        client = world.client(CLIENT._replace(host=f"8.8.8.{number}"))
        answers += len(client.receive(encode(client.message(Method.ALLOCATE, []))))
    assert answers == 50


def test_too_long_a_message_is_dropped() -> None:
    world = TurnWorld()
    client = world.client()
    request = encode(client.message(Method.ALLOCATE, [(0x8022, bytes(MESSAGE_BYTES_MAX))]))
    assert client.receive(request) == []
    assert world.server.dropped["turn: malformed"] == 1
