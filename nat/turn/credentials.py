"""Who may use a TURN server: named users, and whoever was given a name and password that end at a time.

The second kind needs no list: user name `EXPIRY:NAME` (Unix seconds), password base64(HMAC-SHA1(secret, user name)).
A web service that knows the secret hands them out (draft-uberti-behave-turn-rest; coturn's `use-auth-secret`).
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Mapping
from enum import IntEnum


class PasswordAlgorithm(IntEnum):
    """How a key is made from a password (RFC 8489, section 18.5)."""

    MD5 = 1
    SHA256 = 2


PASSWORD_ALGORITHMS = bytes.fromhex("00020000 00010000")
"""The value of PASSWORD-ALGORITHMS: those above, the better one first, without parameters."""

DIGITS_MAX = 12
"""Longest expiry that is read as a number, some thousand years ahead."""


class Credentials:
    """Know the password of every user name."""

    __slots__ = ("_secret", "_users")

    def __init__(self, users: Mapping[str, str], secret: str | None = None) -> None:
        self._users = dict(users)
        self._secret = secret

    def password(self, username: str, unix_now: float) -> str | None:
        """Return the password that goes with a name; None when there is no such user (any more)."""
        known = self._users.get(username)
        if known is not None or self._secret is None:
            return known
        expiry = username.partition(":")[0]
        ends_at = int(expiry) if expiry.isascii() and expiry.isdigit() and len(expiry) <= DIGITS_MAX else 0
        return time_limited_password(self._secret, username) if unix_now < ends_at else None

    def account(self, username: str) -> str:
        """Return whose quota a name counts for: all time-limited names of one person are one."""
        expiry, _, name = username.partition(":")
        limited = username not in self._users and expiry.isdigit()
        return name if limited and name else username


def time_limited_password(secret: str, username: str) -> str:
    """Return the password of a user name `EXPIRY:NAME`."""
    return b64encode(hmac.digest(secret.encode(), username.encode(), "sha1")).decode()


def long_term_key(
    username: str, realm: str, password: str, algorithm: PasswordAlgorithm = PasswordAlgorithm.MD5
) -> bytes:
    """Return the key that proves a request (RFC 8489, section 9.2.2)."""
    text = f"{username}:{realm}:{password}".encode()
    if algorithm is PasswordAlgorithm.SHA256:
        return hashlib.sha256(text).digest()
    return hashlib.md5(text, usedforsecurity=False).digest()
