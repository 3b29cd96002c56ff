"""Cookies: for one caller, at one endpoint, for two periods; without memory."""

from __future__ import annotations

import pytest

from mesh99.wire.cookie import ROTATION_S, CookieJar
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.packet import COOKIE

SOURCE = Endpoint("udp", "192.0.2.1", 7400)
NOW = 1000.0


@pytest.fixture
def jar() -> CookieJar:
    return CookieJar(b"\x05" * 32, NOW)


def test_a_cookie_is_good_for_its_caller_only(jar: CookieJar) -> None:
    cookie = jar.make(SOURCE, 7, NOW)
    assert jar.check(cookie, SOURCE, 7, NOW)
    assert not jar.check(cookie, SOURCE, 8, NOW)
    for other in (
        SOURCE._replace(port=7401),
        SOURCE._replace(host="192.0.2.2"),
        SOURCE._replace(transport="tcp"),
        Endpoint("udp", "::1", 7400),
    ):
        assert not jar.check(cookie, other, 7, NOW)


@pytest.mark.parametrize("wrong", [b"", b"\x00", bytes(16), bytes(17), bytes(1000)])
def test_what_was_not_made_here_is_refused(jar: CookieJar, wrong: bytes) -> None:
    assert not jar.check(wrong, SOURCE, 7, NOW)
    assert not CookieJar(b"\x06" * 32, NOW).check(jar.make(SOURCE, 7, NOW), SOURCE, 7, NOW)


def test_cookies_grow_old(jar: CookieJar) -> None:
    cookie = jar.make(SOURCE, 7, NOW + ROTATION_S - 1)
    assert jar.check(cookie, SOURCE, 7, NOW + 2 * ROTATION_S - 1)
    assert not jar.check(cookie, SOURCE, 7, NOW + 2 * ROTATION_S)
    assert jar.make(SOURCE, 7, NOW + ROTATION_S) != cookie


def test_a_jar_of_the_same_secret_gives_the_same_cookies(jar: CookieJar) -> None:
    again = CookieJar(b"\x05" * 32, NOW)
    assert again.make(SOURCE, 7, NOW + 500) == jar.make(SOURCE, 7, NOW + 500)


def test_the_packet_names_the_caller(jar: CookieJar) -> None:
    packet = jar.packet(SOURCE, 7, NOW)
    assert packet == bytes((COOKIE,)) + (7).to_bytes(8, "big") + jar.make(SOURCE, 7, NOW)
    assert len(packet) == 25
