"""Which of the ways to one peer to use: what is known of each, and the choice.

    direct     an endpoint of the peer; on its own network before at large
    relay      a circuit through another node
    ...        each with its round trip, when it last answered, and when it last failed

A direct way comes before a relay, whatever its round trip: relays are lent. Among ways of one kind the faster is taken
when it is clearly faster. A way that failed is left for a relay that answered, since another direct one has probably
failed with it. It is taken again when it answers; after each further failure it has to wait longer for that, so that a
way that comes and goes is not followed back and forth.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..wire.endpoint import PRIVATE, PUBLIC, RELAY, Endpoint

NEVER = float("-inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class PathsConfig:
    """Say how ways are watched and compared."""

    silence_s: float = 1.0
    """How long what was sent may stay unanswered before the way is left. Raising it bears slower peers and interrupts
    traffic for longer."""

    gain: float = 0.2
    """Share of the round trip that another way of the same kind must save. Raising it stays on slower ways."""

    measure_s: float = 60.0
    """How often the ways not in use are asked, on a line that is used. Raising it finds better ones later; circuits
    that carry nothing live 120 s."""

    good_rtt_s: float = 0.005
    """A direct way as fast as this is not compared with others. Lowering it measures more."""

    holds_s: tuple[float, ...] = (0.0, 5.0, 10.0, 20.0, 60.0)
    """How long a way is not taken again after it failed for the first, second, ... time in a row. Raising it stays on
    the relay for longer."""

    calm_s: float = 60.0
    """A way that was good for so long starts with the first hold again."""

    beat_s_min: float = 0.75
    """Silence after traffic before the peer is asked whether the way still stands; it doubles with each answer. Raising
    it makes a receiver find out later that its box forgot."""

    beat_s_max: float = 5.0
    """What it grows to. Raising it saves an exchange of 140 bytes each time and finds failures later."""

    lively_s: float = 30.0
    """How long after traffic. Raising it costs 28 B/s for so long after each message."""

    direct_max: int = 3
    """Addresses of a peer asked again after a failure. Raising it sends more where others may be by now."""

    paths_max: int = 8
    """Ways known of one peer. Raising it costs 150 bytes and a challenge each time all are measured."""


@dataclass(slots=True)
class Path:
    """What is known of one way."""

    endpoint: Endpoint
    rtt_s: float | None = None
    asked_at: float = NEVER
    answered_at: float = NEVER
    failed_at: float = NEVER
    failures: int = 0
    """In a row."""
    held_until: float = NEVER

    @property
    def rank(self) -> int:
        """Order kinds, the better the lower."""
        return PUBLIC + 1 if self.is_relay else self.endpoint.scope

    @property
    def kind(self) -> str:
        """Name the kind, as people see it."""
        if self.is_relay or not self.endpoint.is_datagram:
            return self.endpoint.transport
        return "lan" if self.endpoint.scope == PRIVATE else "direct"

    @property
    def is_relay(self) -> bool:
        """Tell whether it is a circuit."""
        return self.endpoint.transport == RELAY

    @property
    def works(self) -> bool:
        """Tell whether the last that is known of it is an answer."""
        return self.answered_at > self.failed_at


class Paths:
    """Know the ways to one peer and choose."""

    __slots__ = ("_config", "_known")

    def __init__(self, config: PathsConfig) -> None:
        self._config = config
        self._known: dict[Endpoint, Path] = {}

    def __contains__(self, endpoint: Endpoint) -> bool:
        return endpoint in self._known

    def __len__(self) -> int:
        return len(self._known)

    def add(self, endpoint: Endpoint) -> Path:
        """Return what is known of a way, new or not; the one that answered longest ago goes when there are too many."""
        path = self._known.get(endpoint)
        if path is None:
            if len(self._known) >= self._config.paths_max:
                del self._known[min(self._known.values(), key=lambda each: each.answered_at).endpoint]
            path = self._known[endpoint] = Path(endpoint)
        return path

    def remove(self, endpoint: Endpoint) -> None:
        """Forget a way that is no more."""
        self._known.pop(endpoint, None)

    def asked(self, endpoint: Endpoint, now: float) -> None:
        """Note that a challenge leaves for a way."""
        path = self.add(endpoint)
        if path.asked_at == NEVER:
            path.asked_at = now
        elif now >= path.asked_at + self._config.silence_s:
            path.asked_at, path.failed_at = now, now

    def answered(self, endpoint: Endpoint, now: float) -> None:
        """Note that a way answered a challenge."""
        path = self.add(endpoint)
        path.answered_at = now
        if path.asked_at != NEVER:
            path.rtt_s = now - path.asked_at
            path.asked_at = NEVER

    def prefers(self, endpoint: Endpoint, in_use: Endpoint, rtt_s: float | None, now: float) -> bool:
        """Tell whether to change to a way that answered from the one in use, which has this round trip."""
        other, current = self.add(endpoint), self.add(in_use)
        current.rtt_s = rtt_s if rtt_s is not None else current.rtt_s
        if not other.works or now < other.held_until:
            return False
        if other.rank != current.rank:
            return other.rank < current.rank
        if other.rtt_s is None or current.rtt_s is None:
            return False
        return other.rtt_s < current.rtt_s * (1 - self._config.gain)

    def failed(self, endpoint: Endpoint, now: float) -> None:
        """Note that nothing comes back over the way in use."""
        config, path = self._config, self.add(endpoint)
        path.failures = path.failures + 1 if now < path.failed_at + config.calm_s else 1
        path.failed_at = now
        path.held_until = now + config.holds_s[min(path.failures, len(config.holds_s)) - 1]

    def instead_of(self, endpoint: Endpoint) -> Endpoint | None:
        """Return the way to take when one failed; None when no other may serve."""
        others = [
            each for each in self._known.values() if each.endpoint != endpoint and self._may_serve(each)
        ]
        best = min(others, key=self._worth, default=None)
        return None if best is None else best.endpoint

    def idle(self, in_use: Endpoint, rtt_s: float | None) -> list[Endpoint]:
        """Return the ways to measure beside the one in use."""
        good = in_use.transport != RELAY and rtt_s is not None and rtt_s <= self._config.good_rtt_s
        return [
            each.endpoint
            for each in self._known.values()
            if each.endpoint != in_use and (each.is_relay or not good)
        ]

    def direct(self) -> list[Endpoint]:
        """Return the ways without a relay that answered last."""
        direct = [each for each in self._known.values() if each.endpoint.transport == "udp"]
        direct.sort(key=lambda each: each.answered_at)
        return [each.endpoint for each in direct[-self._config.direct_max :]]

    def circuits(self) -> list[Endpoint]:
        """Return the ways through relays."""
        return [endpoint for endpoint in self._known if endpoint.transport == RELAY]

    def lost_direct(self) -> bool:
        """Tell whether a way without a relay led to the peer once and does no more."""
        return any(
            not each.is_relay and NEVER < each.answered_at < each.failed_at for each in self._known.values()
        )

    def beside(self, in_use: Endpoint) -> str:
        """Say in a few words what there is beside the way in use: `direct failed, relay 160 ms`."""
        others = sorted((each for each in self._known.values() if each.endpoint != in_use), key=_order)
        return ", ".join(f"{each.kind} {_state(each)}" for each in others)

    def _may_serve(self, path: Path) -> bool:
        """Tell whether it makes sense to go there unasked: through any relay, or where the peer was met."""
        return path.is_relay or path.answered_at != NEVER

    def _worth(self, path: Path) -> tuple[bool, float, bool, float]:
        """Order ways to take after a failure: those that work, a relay first; then what failed longest ago."""
        rtt_s = float("inf") if path.rtt_s is None else path.rtt_s
        return not path.works, 0.0 if path.works else path.failed_at, not path.is_relay, rtt_s


def _order(path: Path) -> tuple[int, float]:
    return path.rank, float("inf") if path.rtt_s is None else path.rtt_s


def _state(path: Path) -> str:
    if path.works:
        return _milliseconds(path.rtt_s)
    return "failed" if path.failed_at != NEVER else "without answer"


def _milliseconds(rtt_s: float | None) -> str:
    return "unmeasured" if rtt_s is None else f"{rtt_s * 1000:.0f} ms"
