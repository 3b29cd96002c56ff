"""Incoming handshakes: what is asked of a stranger before anything dear is done for it.

Checks run from cheap to dear: the packet's form, then a cookie when there is load, then the key exchange. Whatever goes
back before the stranger's address is proved is at most as long as what came. A first packet that comes again gets the
same answer again, from the table of half-open handshakes; a handshake is whole when its first data packet opens.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b

from ...wire.contact import Contact
from ...wire.cookie import CookieJar
from ...wire.endpoint import Endpoint
from ...wire.handshake import Acceptance
from .config import OverlayConfig
from .line import Line

AnswerEarly = Callable[[bytes, Contact, int], bytes]
"""Answer a request that came in a first packet: payload, sender, longest answer."""


def as_seen(source: Endpoint) -> Endpoint:
    """Return where a packet came from, as it is."""
    return source


def nowhere(source: Endpoint) -> None:
    """Know of no other way to a caller."""
    return None


class HalfOpen:
    """One incoming handshake that is not confirmed yet."""

    __slots__ = ("acceptance", "deadline", "digest", "line", "local_id", "reply", "source")

    def __init__(
        self,
        digest: bytes,
        local_id: int,
        reply: bytes,
        acceptance: Acceptance,
        source: Endpoint,
        deadline: float,
    ) -> None:
        self.digest = digest
        self.local_id = local_id
        self.reply = reply
        self.acceptance = acceptance
        self.source = source
        self.line: Line | None = None
        """Of XX, once the third packet told who the peer is; of IK it is made when its first data packet comes."""
        self.deadline = deadline


class HalfOpenTable:
    """Hold half-open handshakes, the oldest dropped first, and decide when cookies are asked for."""

    def __init__(self, config: OverlayConfig, cookies: CookieJar, now: float) -> None:
        self._config = config
        self.cookies = cookies
        self._by_digest: OrderedDict[bytes, HalfOpen] = OrderedDict()
        self._by_local_id: dict[int, HalfOpen] = {}
        self._tokens = config.handshakes_per_s
        self._tokens_at = now

    def __len__(self) -> int:
        return len(self._by_digest)

    def find(self, digest: bytes) -> HalfOpen | None:
        """Return the handshake that this first packet began, if it is still open."""
        return self._by_digest.get(digest)

    def by_local_id(self, local_id: int) -> HalfOpen | None:
        """Return the handshake that a later packet belongs to."""
        return self._by_local_id.get(local_id)

    def add(self, half_open: HalfOpen) -> HalfOpen | None:
        """Keep a handshake; returns the one that had to go for it."""
        dropped = self._pop_oldest() if len(self._by_digest) >= self._config.half_open_max else None
        self._by_digest[half_open.digest] = half_open
        self._by_local_id[half_open.local_id] = half_open
        return dropped

    def remove(self, half_open: HalfOpen) -> None:
        """Forget a handshake: it is whole, or over."""
        self._by_digest.pop(half_open.digest, None)
        self._by_local_id.pop(half_open.local_id, None)

    def take_expired(self, now: float) -> list[HalfOpen]:
        """Remove and return the handshakes that were not confirmed in time."""
        expired: list[HalfOpen] = []
        while self._by_digest and next(iter(self._by_digest.values())).deadline <= now:
            expired.append(self._pop_oldest())
        return expired

    def next_timeout(self) -> float | None:
        """Return when the oldest handshake expires."""
        return next(iter(self._by_digest.values())).deadline if self._by_digest else None

    def needs_cookie(self, packet_cookie: bytes, source: Endpoint, source_id: int, now: float) -> bool:
        """Tell whether this first packet must come again with a cookie; spends one handshake of the rate."""
        rate = self._config.handshakes_per_s
        self._tokens = min(rate, self._tokens + (now - self._tokens_at) * rate)
        self._tokens_at = now
        if self._tokens >= 1.0 and len(self._by_digest) < self._config.cookie_half_open:
            self._tokens -= 1.0
            return False
        return not (packet_cookie and self.cookies.check(packet_cookie, source, source_id, now))

    def _pop_oldest(self) -> HalfOpen:
        _, oldest = self._by_digest.popitem(last=False)
        self._by_local_id.pop(oldest.local_id, None)
        return oldest


def digest_of(packet: bytes | memoryview) -> bytes:
    """Name a first packet, so that its repetition is known."""
    return blake2b(packet, digest_size=16).digest()
