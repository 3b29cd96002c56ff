"""Addresses of TURN servers as people write them, and what requests to them are signed with."""

from __future__ import annotations

import pytest

from mesh99.nat.turn.account import TurnAccount
from mesh99.wire.errors import ConfigError


@pytest.mark.parametrize(
    ("uri", "host", "port", "transport", "written"),
    [
        ("turn:relay.example", "relay.example", 3478, "udp", "turn:relay.example:3478"),
        ("turn:192.0.2.1:99", "192.0.2.1", 99, "udp", "turn:192.0.2.1:99"),
        (
            "turn:[2001:db8::1]:99?transport=tcp",
            "2001:db8::1",
            99,
            "tcp",
            "turn:[2001:db8::1]:99?transport=tcp",
        ),
        ("turn:[2001:db8::1]", "2001:db8::1", 3478, "udp", "turn:[2001:db8::1]:3478"),
        ("turn:relay.example?transport=udp", "relay.example", 3478, "udp", "turn:relay.example:3478"),
    ],
)
def test_addresses(uri: str, host: str, port: int, transport: str, written: str) -> None:
    account = TurnAccount.parse(uri, "ann:secret")
    assert (account.host, account.port, account.transport) == (host, port, transport)
    assert str(account) == written
    assert TurnAccount.parse(written, "ann:secret") == account


@pytest.mark.parametrize(
    "uri",
    [
        "relay.example",
        "turns:relay.example",
        "turn:",
        "turn:relay.example:0",
        "turn:relay.example:65536",
        "turn:relay.example:x",
        "turn:relay.example?transport=sctp",
        "turn:relay.example?x",
    ],
)
def test_what_is_no_address(uri: str) -> None:
    with pytest.raises(ConfigError) as refused:
        TurnAccount.parse(uri, "ann:secret")
    assert repr(uri) in str(refused.value)
    assert "turn:HOST" in str(refused.value.hint)


@pytest.mark.parametrize("user", ["", "ann", "ann:", ":secret"])
def test_somebody_has_to_be_named(user: str) -> None:
    with pytest.raises(ConfigError, match="nobody is named"):
        TurnAccount.parse("turn:relay.example", user)


def test_passwords_are_not_shown() -> None:
    account = TurnAccount.parse("turn:relay.example", "ann:hidden-word", "hidden-secret")
    assert "hidden" not in repr(account)
    assert "hidden" not in str(account)
