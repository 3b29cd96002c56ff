"""Whether strangers can reach this node: ask a peer to have another one, never met, send a token.

The token is the transaction id of a STUN Binding indication, which asks for no answer. When it comes in from a host
that nothing was sent to, the box lets everything in. Nothing is aimed at third parties by it: a peer has the token sent
to where it sees the asking node, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .behaviour import Filtering
from .messages import TOKEN_BYTES, CallBack, encode

AT_ONCE = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DialBackConfig:
    """Say when to test."""

    wait_s: float = 2.0
    """How long a token is waited for. Raising it finds out later that the node is not open."""

    tries: int = 3
    """Peers asked before the node counts as not open; a token may get lost. Raising it as above."""

    again_s: float = 900.0
    """How long a result holds. Raising it saves a few packets and notices a changed box later."""

    doubtful_s: float = 60.0
    """When to test again after it was found for the first time that strangers do not get in. Raising it leaves an open
    node longer in nobody's table when its tokens got lost."""

    known_max: int = 6
    """Tokens from hosts that are known, after which the network counts as too small for a test. Raising it costs three
    packets each."""

    no_stranger_s: float = 60.0
    """When to test again after that. Raising it finds out later, while the network grows, that strangers get in."""

    deliveries_per_s: float = 2.0
    """Tokens passed on or sent for others, in all. Raising it lets peers make this node send more."""

    deliveries_burst: float = 20.0
    """The same at once."""


class DialBack:
    """Test, one token at a time, whether strangers get in: where peers see this node, or at another port there."""

    def __init__(self, config: DialBackConfig, entropy: Callable[[int], bytes], port: int = 0) -> None:
        self._config = config
        self._entropy = entropy
        self._port = port
        self._token = b""
        self._tries = 0
        self._known = 0
        self._due_at = AT_ONCE
        self.filtering = Filtering.UNKNOWN
        self.on_result: Callable[[float], None] = lambda now: None
        """Told when the result is another than before."""

    def due(self, now: float) -> bool:
        """Tell whether a peer should be asked now."""
        return now >= self._due_at

    def put_off(self, now: float) -> None:
        """Wait for somebody to ask."""
        self._due_at = now + self._config.wait_s

    def ask(self, now: float) -> bytes:
        """Return the question for the next peer."""
        if self._tries >= self._config.tries:
            self._conclude(Filtering.DEPENDENT, now)
            return b""
        self._tries += 1
        self._token = self._entropy(TOKEN_BYTES)
        self._due_at = now + self._config.wait_s
        return encode(CallBack(self._token, self._port))

    def arrived(self, token: bytes, now: float, *, from_stranger: bool) -> bool:
        """Take a token; false when it is none of ours.

        One from a host that something was sent to says nothing, neither way: in a network where everybody has met
        everybody there is nobody to ask.
        """
        if not self._token or token != self._token:
            return False
        if from_stranger:
            self._conclude(Filtering.ENDPOINT_INDEPENDENT, now)
        else:
            self._met_another(now)
        return True

    def forget(self) -> None:
        """Begin anew: the node's address is another one."""
        self._token, self._tries, self._known, self._due_at = b"", 0, 0, AT_ONCE

    def next_timeout(self) -> float:
        """Return when the next question is due."""
        return self._due_at

    def _met_another(self, now: float) -> None:
        """Try again at once, by another peer; after some such answers only when the network may have grown."""
        self._token, self._known, self._tries = b"", self._known + 1, self._tries - 1
        self._due_at = now
        if self._known >= self._config.known_max:
            self._known, self._tries, self._due_at = 0, 0, now + self._config.no_stranger_s

    def _conclude(self, filtering: Filtering, now: float) -> None:
        # Tokens get lost where many ask at once: that nobody gets in counts for long only when it is found twice.
        doubtful = filtering is Filtering.DEPENDENT and self.filtering is not filtering
        pause_s = self._config.doubtful_s if doubtful else self._config.again_s
        self._token, self._tries, self._known, self._due_at = b"", 0, 0, now + pause_s
        if filtering is not self.filtering:
            self.filtering = filtering
            self.on_result(now)
