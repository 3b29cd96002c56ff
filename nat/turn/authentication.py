"""Who sent a request: long-term credentials with a nonce, in the order of checks of RFC 8489, section 9.2.4."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ...wire.endpoint import Endpoint
from ...wire.errors import RemoteError
from ..stun.attributes import Attribute, ErrorCode
from ..stun.message import StunMessage, is_proved
from .credentials import PASSWORD_ALGORITHMS, Credentials, PasswordAlgorithm, long_term_key
from .nonces import Nonces

USERNAME_BYTES_MAX = 508
"""Longest user name (RFC 8489, section 14.3)."""

_ALGORITHMS = {each.to_bytes(2, "big") + bytes(2): each for each in PasswordAlgorithm}
"""Values of PASSWORD-ALGORITHM; none here has parameters."""


class Refusal(RemoteError):
    """A request that is answered with an error; `more` goes along with it."""

    def __init__(
        self,
        code: ErrorCode,
        *,
        unknown: list[int] | None = None,
        more: list[tuple[int, bytes]] | None = None,
    ) -> None:
        super().__init__(code.name)
        self.code = code
        self.unknown = unknown
        self.more = more


class Proof(NamedTuple):
    """Who proved a request, and the key that proves the answer."""

    username: str
    algorithm: PasswordAlgorithm
    key: bytes


class Authenticator:
    """Check requests; raise Refusal for one that proves nothing."""

    def __init__(
        self, realm: str, credentials: Credentials, nonces: Nonces, unix_now: Callable[[], float]
    ) -> None:
        self._realm = realm
        self._credentials = credentials
        self._nonces = nonces
        self._unix_now = unix_now

    def check(self, request: StunMessage, client: Endpoint, known: Proof | None, now: float) -> Proof:
        """Return who sent a request; `known` proved an earlier one, and time-limited names stay good meanwhile."""
        if not is_signed(request):
            raise self._challenge(ErrorCode.UNAUTHENTICATED, client, now)
        username, nonce = request.find(Attribute.USERNAME), request.find(Attribute.NONCE)
        if username is None or nonce is None or request.find(Attribute.REALM) is None:
            raise Refusal(ErrorCode.BAD_REQUEST)
        algorithm = _algorithm(request)
        if not self._nonces.is_fresh(nonce, client, now):
            raise self._challenge(ErrorCode.STALE_NONCE, client, now)
        proof = self._proof(username, algorithm, known)
        if proof is None or not _proves(request, proof.key):
            raise self._challenge(ErrorCode.UNAUTHENTICATED, client, now)
        return proof

    def _proof(self, username: bytes, algorithm: PasswordAlgorithm, known: Proof | None) -> Proof | None:
        try:
            name = username.decode() if len(username) <= USERNAME_BYTES_MAX else ""
        except UnicodeDecodeError:
            return None
        if known is not None and (known.username, known.algorithm) == (name, algorithm):
            return known
        password = self._credentials.password(name, self._unix_now())
        if password is None:
            return None
        return Proof(name, algorithm, long_term_key(name, self._realm, password, algorithm))

    def _challenge(self, code: ErrorCode, client: Endpoint, now: float) -> Refusal:
        more = [
            (int(Attribute.REALM), self._realm.encode()),
            (int(Attribute.NONCE), self._nonces.make(client, now)),
            (int(Attribute.PASSWORD_ALGORITHMS), PASSWORD_ALGORITHMS),
        ]
        return Refusal(code, more=more)


def is_signed(request: StunMessage) -> bool:
    """Tell whether a request claims to be proved."""
    sha256 = request.find(Attribute.MESSAGE_INTEGRITY_SHA256)
    return sha256 is not None or request.find(Attribute.MESSAGE_INTEGRITY) is not None


def _algorithm(request: StunMessage) -> PasswordAlgorithm:
    """Return how the key was made: as chosen, MD5 for those who know no choice; raises Refusal for half a choice."""
    offered = request.find(Attribute.PASSWORD_ALGORITHMS)
    chosen = request.find(Attribute.PASSWORD_ALGORITHM)
    if offered is None and chosen is None:
        return PasswordAlgorithm.MD5
    algorithm = _ALGORITHMS.get(chosen or b"")
    if offered != PASSWORD_ALGORITHMS or algorithm is None:
        raise Refusal(ErrorCode.BAD_REQUEST)
    return algorithm


def _proves(request: StunMessage, key: bytes) -> bool:
    """Check each kind of proof that a request has."""
    sha1 = request.find(Attribute.MESSAGE_INTEGRITY) is not None
    sha256 = request.find(Attribute.MESSAGE_INTEGRITY_SHA256) is not None
    return is_proved(request, sha1_key=key if sha1 else None, sha256_key=key if sha256 else None)
