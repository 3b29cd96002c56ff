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
    """When a relay that did not answer or refused is asked again at the earliest. Raising it finds room later."""

    answer_s: float = 3.0
    """How long an answer is waited for before the question is repeated. Raising it is slower after a loss."""


@dataclass(slots=True)
class _Held:
    renew_at: float
    ends_at: float


class Reservations:
    """Decide which peers to ask, and remember what they granted."""

    def __init__(self, own_id: NodeId, config: ReservationConfig) -> None:
        self._config = config
        self._held: dict[NodeId, _Held] = {}
        self._blocked_until: dict[NodeId, float] = {}
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
        return now >= self._blocked_until.get(relay, now)

    def ask(self, relay: NodeId, now: float) -> bytes:
        """Return the question to a relay; it comes due again when no answer does."""
        held = self._held.setdefault(relay, _Held(NEVER, NEVER))
        held.renew_at = now + self._config.answer_s
        return encode(Reserve())

    def answered(self, relay: NodeId, life_s: int, now: float) -> None:
        """Take a relay's answer, 0 when it refuses."""
        held = self._held.get(relay)
        if held is None:
            return
        if not life_s:
            self.lost(relay)
            self._blocked_until[relay] = now + self._config.retry_s
            return
        life_s = min(life_s, LIFE_S_MAX)
        fresh = held.ends_at <= now
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
        """Return the relays to ask again now."""
        for blocked in [relay for relay, until in self._blocked_until.items() if until <= now]:
            del self._blocked_until[blocked]
        return [relay for relay, each in self._held.items() if each.renew_at <= now]
