"""Lines that go through a relay, and the attempts to do without it.

A knock is a path challenge of the line's own session: only the peer can answer it, and the answer moves the session.
What is under way through the relay arrives, too; the lanes put it in order. Both ends tell each other over the line
where they may be met; where plain knocks cannot help, they search.
"""

from __future__ import annotations

from collections.abc import Callable

from ...nat.behaviour import NatKind
from ...nat.bucket import TokenBucket
from ...nat.candidates import is_proved, places_of
from ...nat.messages import Candidates, Search, encode
from ...nat.punch import Punch
from ...wire.endpoint import RELAY, Endpoint
from .config import OverlayConfig
from .line import Line
from .lines import LineTable
from .reach import Reach
from .sampling import Sampling
from .searching import Searching

WORDS_PER_S, WORDS_BURST = 0.5, 4.0
"""How often a peer may say where to knock: each time costs up to 26 knocks at once, of 60 bytes."""


class Attempt:
    """What is under way for one line."""

    __slots__ = ("held", "introduced", "peer", "punch", "words")

    def __init__(self, punch: Punch, introduced: Endpoint, now: float) -> None:
        self.punch = punch
        self.introduced = introduced
        """Where the relay sees the peer."""
        self.peer: Candidates | None = None
        self.held = False
        """Not knocked at yet where the peer says: first this end looks which port its box will give."""
        self.words = TokenBucket(WORDS_PER_S, WORDS_BURST, now)


class Punching:
    """Knock for all lines that a relay carries."""

    def __init__(
        self,
        config: OverlayConfig,
        lines: LineTable,
        reach: Reach,
        sampling: Sampling,
        is_paid: Callable[[Line], bool],
        entropy: Callable[[int], bytes],
    ) -> None:
        self._config = config.punch
        self._is_paid = is_paid
        self._lines = lines
        self._reach = reach
        self._sampling = sampling
        sampling.on_done = self._sampled
        self.searching = Searching(config.search, lines, entropy)
        self._attempts: dict[int, Attempt] = {}

    def start(self, line: Line, introduced: Endpoint, now: float) -> None:
        """Begin to knock for a line whose peer the relay sees there, or knock there, too."""
        attempt = self._attempts.get(line.session.local_id)
        if attempt is not None:
            attempt.punch.add(introduced, now)
            return
        place = introduced._replace(port=line.next_port or introduced.port)
        # A box that counts has no port to spare for a place where the peer may not be; its word is on the way.
        sure = bool(line.next_port) or not self._reach.observations.step()
        punch = Punch(self._config, [place] if sure else [], now)
        self._attempts[line.session.local_id] = Attempt(punch, introduced, now)
        self._tell(line, introduced)

    def receive(self, line: Line, message: Candidates | Search, now: float) -> bool:
        """Take the word of the other end of a line; false when it comes at the wrong time, or too often."""
        attempt = self._attempts.get(line.session.local_id)
        if attempt is None or line.session.path.transport != RELAY or not attempt.words.take(1, now):
            return False
        if isinstance(message, Candidates):
            attempt.peer = message
            self._sampling.refresh(now)
            self._aim(attempt, message, now)
            if self._may_search(attempt, NatKind.HARD, NatKind.EASY):
                self.searching.wish(line, attempt.introduced, now)
            return True
        allowed = self._may_search(attempt, NatKind.EASY, NatKind.HARD)
        return allowed and self.searching.guess(line, attempt.introduced, now)

    @property
    def is_busy(self) -> bool:
        """Tell whether a line goes through a relay, or a search or its sockets are left."""
        return bool(self._attempts) or self.searching.is_busy

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` is due."""
        knocks = min((each.punch.next_timeout() for each in self._attempts.values()), default=None)
        search = self.searching.next_timeout()
        return search if knocks is None else knocks if search is None else min(knocks, search)

    def handle_timeout(self, now: float) -> None:
        """Knock where it is time, and leave lines that went direct or ended."""
        for local_id, attempt in list(self._attempts.items()):
            line = self._lines.by_local_id.get(local_id)
            if line is None or line.session.path.transport != RELAY:
                del self._attempts[local_id]
                continue
            for target in attempt.punch.knock(now):
                if self._is_paid(line):
                    line.session.probe(target, now)
            if attempt.punch.pauses:
                self._sampling.refresh(now)
            self._lines.mark(line)
        self.searching.handle_timeout(now)

    def _aim(self, attempt: Attempt, peer: Candidates, now: float) -> None:
        attempt.held = self._sampling.under_way
        if not attempt.held:
            attempt.punch.aim(*places_of(peer, attempt.introduced, self._reach.here()), now)

    def _sampled(self, now: float) -> None:
        """Say which port comes next, and only then take it."""
        for local_id, attempt in self._attempts.items():
            line = self._lines.by_local_id.get(local_id)
            if line is not None:
                self._tell(line, attempt.introduced)
            if attempt.held and attempt.peer is not None:
                self._aim(attempt, attempt.peer, now)

    def _may_search(self, attempt: Attempt, own: NatKind, other: NatKind) -> bool:
        peer = attempt.peer
        if peer is None or self._reach.kind is not own or peer.kind is not other:
            return False
        return is_proved(peer, attempt.introduced)

    def _tell(self, line: Line, introduced: Endpoint) -> None:
        if self._sampling.under_way:
            return
        line.session.send_nat(encode(self._reach.here().candidates(introduced)))
        self._lines.mark(line)
