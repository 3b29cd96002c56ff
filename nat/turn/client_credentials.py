"""The client's side of long-term credentials: what a server said of itself, and proofs made with it (RFC 8489, 9.2)."""

from __future__ import annotations

from ..stun.attributes import Attribute
from ..stun.message import MessageClass, Method, StunMessage, encode, is_proved
from .credentials import PASSWORD_ALGORITHMS, PasswordAlgorithm, long_term_key

CHALLENGE_BYTES_MAX = 763
"""Longest realm or nonce (RFC 8489, sections 14.9 and 14.10)."""


class ClientCredentials:
    """Sign requests; the first one goes unsigned and is refused with realm and nonce."""

    def __init__(self, username: str, password: str) -> None:
        self._username = username
        self._password = password
        self._challenge: list[tuple[int, bytes]] = []
        self._key = b""
        self._sha256 = False

    def learn(self, response: StunMessage, *, stale: bool) -> bool:
        """Take realm and nonce of a refusal; false when there is nothing new, so that asking again is no use."""
        realm, nonce = response.find(Attribute.REALM), response.find(Attribute.NONCE)
        refused_again = bool(self._key) and not stale
        if (
            realm is None
            or nonce is None
            or max(len(realm), len(nonce)) > CHALLENGE_BYTES_MAX
            or refused_again
        ):
            return False
        # Only the list that is known here is chosen from; coturn and older servers send none, and keys are MD5 then.
        self._sha256 = response.find(Attribute.PASSWORD_ALGORITHMS) == PASSWORD_ALGORITHMS
        algorithm = PasswordAlgorithm.SHA256 if self._sha256 else PasswordAlgorithm.MD5
        self._key = long_term_key(self._username, realm.decode("utf-8", "replace"), self._password, algorithm)
        self._challenge = [
            (int(Attribute.USERNAME), self._username.encode()),
            (int(Attribute.REALM), realm),
            (int(Attribute.NONCE), nonce),
        ]
        if self._sha256:
            self._challenge += [
                (int(Attribute.PASSWORD_ALGORITHMS), PASSWORD_ALGORITHMS),
                (int(Attribute.PASSWORD_ALGORITHM), algorithm.to_bytes(2, "big") + bytes(2)),
            ]
        return True

    def request(self, method: Method, transaction_id: bytes, attributes: list[tuple[int, bytes]]) -> bytes:
        """Return the bytes of a request, with a proof as soon as the server's realm is known."""
        signed = (*attributes, *self._challenge)
        message = StunMessage(method, MessageClass.REQUEST, transaction_id, signed)
        if not self._key:
            return encode(message)
        if self._sha256:
            return encode(message, sha256_key=self._key)
        return encode(message, sha1_key=self._key)

    def proves(self, response: StunMessage) -> bool:
        """Tell whether a response comes from somebody who knows the password."""
        if not self._key:
            return False
        if self._sha256:
            return is_proved(response, sha256_key=self._key)
        return is_proved(response, sha1_key=self._key)
