"""Where this node can be reached through others: few relays, kept fresh, replaced when they fall away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...wire.identity import NodeId
from ..messages import LIFE_S_MAX, Reserve, encode

NEVER = float("-inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationConfig:
    """Say how many relays a node that cannot be reached keeps."""

    wanted: int = 2
    """Relays kept. Raising it costs a kept session each (3 B/s) and survives more of them falling away at once."""

    renew_share: float = 0.75
    """Share of a reservation's life after which it is renewed. Raising it risks the end before the answer."""

    retry_s: float = 30.0
    """When a relay that refused or could not be called is asked again at the earliest; it doubles each time. Raising it
    finds room later."""

    retry_s_max: float = 900.0
    """What it grows to. Raising it as above."""

    blocked_max: int = 256
    """Relays remembered for that, about 100 bytes each; the longest ago goes first. Raising it asks fewer twice."""

    search_s: float = 5.0
    """Time between two searches for relays in the DHT while there are too few; it doubles with each in vain. Raising it
    leaves a node unreached for longer when its relays fell away."""

    search_s_max: float = 300.0
    """What it grows to. Raising it finds the first relay of a network later."""

    sought: int = 32
    """Relays looked for. Raising it brings longer answers and a better choice."""

    calls: int = 4
    """Relays called at once; the first to answer, the nearest, are asked. Raising it costs a handshake each."""

    answer_s: float = 3.0
    """How long an answer is waited for before the question is repeated. Raising it is slower after a loss."""

    tries: int = 4
    """Questions without an answer after which another relay is taken. Raising it waits longer for one that is deaf."""


@dataclass(slots=True)
class _Held:
    renew_at: float
    ends_at: float
    unanswered: int = 0


@dataclass(slots=True)
class _Blocked:
    until: float
    pause_s: float


class Reservations:
    """Decide which peers to ask, and remember what they granted."""

    def __init__(self, own_id: NodeId, config: ReservationConfig) -> None:
        self._config = config
        self._held: dict[NodeId, _Held] = {}
        self._blocked: dict[NodeId, _Blocked] = {}
        self.wanted = False
        """Whether this node needs relays; its owner knows."""
        self.on_change: Callable[[], None] = lambda: None
        """Told when the relays that serve this node are others than before."""

    @property
    def is_busy(self) -> bool:
        """Tell whether this node needs relays or has some."""
        return self.wanted or bool(self._held)

    @property
    def held(self) -> list[NodeId]:
        """The relays that were asked or granted a reservation."""
        return list(self._held)

    def granted(self, now: float) -> list[NodeId]:
        """Return the relays through which this node can be reached."""
        return [relay for relay, each in self._held.items() if each.ends_at > now]

    def has(self, relay: NodeId) -> bool:
        """Tell whether this node asked a relay to be reached through it."""
        return relay in self._held

    def wants(self, relay: NodeId, now: float) -> bool:
        """Tell whether to ask this relay."""
        if not self.wanted or relay in self._held or len(self._held) >= self._config.wanted:
            return False
        return not self.blocks(relay, now)

    @property
    def are_few(self) -> bool:
        """Tell whether this node needs more relays than it has or has asked."""
        return self.wanted and len(self._held) < self._config.wanted

    def blocks(self, relay: NodeId, now: float) -> bool:
        """Tell whether to leave a relay alone."""
        blocked = self._blocked.get(relay)
        return blocked is not None and now < blocked.until

    def block(self, relay: NodeId, now: float) -> None:
        """Leave a relay alone that is of no use now, for twice as long each time."""
        config, before = self._config, self._blocked.pop(relay, None)
        if before is None or now >= before.until + config.retry_s_max:
            pause_s = config.retry_s
        else:
            pause_s = min(2 * before.pause_s, config.retry_s_max)
        self._blocked[relay] = _Blocked(now + pause_s, pause_s)
        while len(self._blocked) > config.blocked_max:
            del self._blocked[next(iter(self._blocked))]

    def ask(self, relay: NodeId, now: float) -> bytes:
        """Return the question to a relay; it comes due again when no answer does."""
        held = self._held.setdefault(relay, _Held(NEVER, NEVER))
        held.renew_at = now + self._config.answer_s
        held.unanswered += 1
        return encode(Reserve())

    def answered(self, relay: NodeId, life_s: int, now: float) -> None:
        """Take a relay's answer, 0 when it refuses."""
        held = self._held.get(relay)
        if held is None:
            return
        if not life_s:
            self.lost(relay)
            self.block(relay, now)
            return
        life_s = min(life_s, LIFE_S_MAX)
        fresh, held.unanswered = held.ends_at <= now, 0
        held.renew_at, held.ends_at = now + life_s * self._config.renew_share, now + life_s
        if fresh:
            self.on_change()

    def lost(self, relay: NodeId) -> None:
        """Forget a relay whose session is over."""
        held = self._held.pop(relay, None)
        if held is not None and held.ends_at != NEVER:
            self.on_change()

    def give_up(self) -> None:
        """Keep no relay any more: this node can be reached without. What was granted ends by itself."""
        for relay in list(self._held):
            self.lost(relay)

    def next_timeout(self) -> float | None:
        """Return when `take_due` is due."""
        return min((each.renew_at for each in self._held.values()), default=None)

    def take_due(self, now: float) -> list[NodeId]:
        """Return the relays to ask again now; those that said nothing for long are given up."""
        config = self._config
        for relay, each in list(self._held.items()):
            if each.renew_at <= now and each.ends_at <= now and each.unanswered >= config.tries:
                self.lost(relay)
                self.block(relay, now)
        return [relay for relay, each in self._held.items() if each.renew_at <= now]
