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
from .proving import Proving
from .reach import Reach
from .sampling import Sampling
from .searching import Searching

WORDS_PER_S, WORDS_BURST = 0.5, 4.0
"""How often a peer may make this end knock anew, by what it says or by how it moves: each time costs up to 26 knocks at
once, of 60 bytes."""

SEEN_MAX = 4
"""Places where relays see one peer: it has two relays and may have moved. Raising it remembers more lies of relays."""


class Attempt:
    """What is under way for one line."""

    __slots__ = ("answers", "held", "peer", "punch", "searched_at", "seen", "told", "words")

    def __init__(self, punch: Punch, seen: list[Endpoint], now: float) -> None:
        self.punch = punch
        self.seen = seen
        """Where relays see the peer, or where it was met; the latest first."""
        self.peer: Candidates | None = None
        self.held = False
        """Not knocked at yet where the peer says: first this end looks which port its box will give."""
        self.answers = False
        """The peer may have begun later and missed what this end said."""
        self.told: NatKind | None = None
        """What this end said that it is: a node that has only just started finds out while it is talking."""
        self.searched_at = float("-inf")
        """When the peer asked to be searched, before it has proved where it is."""
        self.words = TokenBucket(WORDS_PER_S, WORDS_BURST, now)

    @property
    def introduced(self) -> Endpoint:
        """Where the peer is: where it says so itself, if a relay says the same."""
        proved = (each for each in self.seen if self.peer is not None and is_proved(self.peer, each))
        return next(proved, self.seen[0])

    @property
    def is_blocked(self) -> bool:
        """Tell whether no UDP passes to the peer."""
        return self.peer is not None and self.peer.kind is NatKind.BLOCKED


class Punching:
    """Knock for all lines that a relay carries."""

    def __init__(
        self,
        config: OverlayConfig,
        lines: LineTable,
        reach: Reach,
        sampling: Sampling,
        proving: Proving,
        is_paid: Callable[[Line], bool],
        entropy: Callable[[int], bytes],
    ) -> None:
        self._config = config.punch
        self._is_paid = is_paid
        self._lines = lines
        self._reach = reach
        self._sampling = sampling
        sampling.on_done = self._sampled
        self._proving = proving
        proving.on_proved = self._proved
        self.searching = Searching(config.search, lines, entropy)
        self._search_s = config.search.duration_s
        self._attempts: dict[int, Attempt] = {}

    def start(self, line: Line, places: list[Endpoint], now: float) -> None:
        """Knock anew for a line at places where relays see its peer, or where it was met, the best first."""
        attempt = self._attempts.get(line.session.local_id)
        if not places or (attempt is not None and not attempt.words.take(1, now)):
            return
        port, line.next_port = line.next_port, 0
        first = places[0]._replace(port=port or places[0].port)
        # A box that counts has no port to spare for a place where the peer may not be; its word is on the way.
        sure = bool(port) or not self._reach.observations.step()
        punch = Punch(self._config, [first, *places[1:]] if sure else [], now)
        if attempt is None:
            attempt = self._attempts[line.session.local_id] = Attempt(punch, places[:SEEN_MAX], now)
        else:
            attempt.punch, attempt.seen, attempt.peer = punch, places[:SEEN_MAX], None
        attempt.answers = line.session.challenge.moved_at > line.opened
        self._tell(line, attempt)

    def introduced(self, line: Line, place: Endpoint, now: float) -> None:
        """Knock for a line also where a relay sees its peer now."""
        attempt = self._attempts.get(line.session.local_id)
        if attempt is None:
            self.start(line, [place], now)
        elif place not in attempt.seen:
            attempt.seen = [place, *attempt.seen][:SEEN_MAX]
            attempt.punch.add(place, now)

    def receive(self, line: Line, message: Candidates | Search, now: float) -> bool:
        """Take the word of the other end of a line; false when it comes at the wrong time, or too often."""
        attempt = self._attempts.get(line.session.local_id)
        if attempt is None or line.session.path.transport != RELAY or not attempt.words.take(1, now):
            return False
        if isinstance(message, Candidates):
            attempt.peer = message
            self._sampling.refresh(now)
            self._aim(attempt, message, now)
            if attempt.answers:
                attempt.answers = False
                self._tell(line, attempt)
            if self._may_search(attempt, NatKind.HARD, NatKind.EASY):
                self.searching.wish(line, attempt.introduced, now)
            elif self._may_search(attempt, NatKind.EASY, NatKind.HARD) and not message.step:
                self._proving.ask(line, attempt.introduced, now)
            return True
        return self._may_search(attempt, NatKind.EASY, NatKind.HARD) and self._search(line, attempt, now)

    def attempt_of(self, line: Line) -> Attempt | None:
        """Return what is under way for a line, for people to read."""
        return self._attempts.get(line.session.local_id)

    @property
    def is_busy(self) -> bool:
        """Tell whether a line goes through a relay, or a search or its sockets are left."""
        return bool(self._attempts) or self.searching.is_busy or self._proving.is_busy

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` is due."""
        knocks = min((each.punch.next_timeout() for each in self._attempts.values()), default=None)
        times = (knocks, self.searching.next_timeout(), self._proving.next_timeout())
        return min((time for time in times if time is not None), default=None)

    def handle_timeout(self, now: float) -> None:
        """Knock where it is time, and leave lines that went direct or ended."""
        for local_id, attempt in list(self._attempts.items()):
            line = self._lines.by_local_id.get(local_id)
            if line is None or line.session.path.transport != RELAY:
                del self._attempts[local_id]
                continue
            places = attempt.punch.knock(now)
            if line.watch is None or not line.watch.is_lively(now):
                continue
            if not (attempt.is_blocked or self._reach.is_blocked):
                for place in places:
                    if self._is_paid(line):
                        line.watch.probe(place, now)
                if attempt.punch.pauses:
                    self._sampling.refresh(now)
            if attempt.told is not self._reach.meets_as:
                self._tell(line, attempt)
            self._lines.mark(line)
        self.searching.handle_timeout(now)
        self._proving.handle_timeout(now)

    def _aim(self, attempt: Attempt, peer: Candidates, now: float) -> None:
        attempt.held = self._sampling.under_way
        if not attempt.held:
            attempt.punch.aim(*places_of(peer, attempt.introduced, self._reach.here()), now)

    def _sampled(self, now: float) -> None:
        """Say which port comes next, and only then take it."""
        for local_id, attempt in self._attempts.items():
            line = self._lines.by_local_id.get(local_id)
            if line is not None:
                self._tell(line, attempt)
            if attempt.held and attempt.peer is not None:
                self._aim(attempt, attempt.peer, now)

    def _search(self, line: Line, attempt: Attempt, now: float) -> bool:
        """Guess the peer's port, once it has proved where it is: a thousand knocks at somebody else are an attack."""
        place = attempt.introduced
        if self._proving.is_proved(line, place):
            return self.searching.guess(line, place, now)
        attempt.searched_at = now
        self._proving.ask(line, place, now)
        return True

    def _proved(self, line: Line, now: float) -> None:
        attempt = self._attempts.get(line.session.local_id)
        if attempt is not None and now - attempt.searched_at < self._search_s:
            self._search(line, attempt, now)

    def _may_search(self, attempt: Attempt, own: NatKind, other: NatKind) -> bool:
        peer = attempt.peer
        if peer is None or self._reach.meets_as is not own or peer.kind is not other:
            return False
        return is_proved(peer, attempt.introduced)

    def _tell(self, line: Line, attempt: Attempt) -> None:
        if self._sampling.under_way:
            return
        here = self._reach.here()
        attempt.told = here.kind
        line.session.send_nat(encode(here.candidates(attempt.introduced)))
        self._lines.mark(line)
