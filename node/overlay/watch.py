"""The watch over the ways of one line: which one is in use, whether it still leads to the peer, what else there is.

A way is left when what was sent over it is unanswered for a second: for the best of the others, where all that is not
acknowledged goes out again. The peer follows, or leaves it by itself, since each end believes only in round trips. Half
a second before, the others are asked, which also shows the relays where this node is met when its box forgot.

After traffic the peer is asked at growing intervals whether the way still stands. So a receiver finds out, too.
"""

from __future__ import annotations

from typing import Protocol

from ...nat.paths import NEVER, Paths, PathsConfig
from ...wire.endpoint import RELAY, Endpoint
from .line import ANSWERER_PATIENCE, Line


class Ways(Protocol):
    """What can be done about the ways to a peer beyond its own line."""

    def knock(self, line: Line, now: float) -> None:
        """Try to do without a relay."""

    def tell(self, line: Line, now: float) -> None:
        """Tell the peer how it can seek this node."""

    def seek(self, line: Line, now: float) -> None:
        """Open circuits to the peer; those that may be used at once are added to the watch."""

    def shaken(self, now: float) -> None:
        """Show the relays of this node where it is met now."""


class Watch:
    """Keep one line on the best way to its peer."""

    __slots__ = (
        "_asked_for",
        "_config",
        "_is_stranded",
        "_line",
        "_measure_at",
        "_tried_at",
        "_ways",
        "paths",
    )

    def __init__(self, line: Line, config: PathsConfig, ways: Ways, now: float) -> None:
        self._line = line
        self._config = config
        self._ways = ways
        self.paths = Paths(config)
        self.paths.answered(line.session.path, now)
        self._measure_at = now
        self._tried_at = now
        """When a way was last looked for because the one in use gave no answer."""
        self._is_stranded = False
        """The way in use failed and there was no other."""
        self._asked_for = NEVER
        """The silence for which the other ways were asked."""
        line.session.challenge.judge = self._judge

    def is_lively(self, now: float) -> bool:
        """Tell whether it is worth packets to find a better way now: the line is new or was used lately."""
        return now < self._traffic_at + self._config.measure_s

    def add(self, circuit: Endpoint, now: float) -> None:
        """Take in a way through a relay: to measure it soon, or to use it at once if there is no other."""
        if circuit not in self.paths:
            self.paths.add(circuit)
            self._measure_at = now
        if self._is_stranded:
            self._take_other(now)

    def probe(self, endpoint: Endpoint, now: float) -> None:
        """Ask the peer for a sign of life over a way, or at a place where it may be met."""
        if endpoint in self.paths:
            self.paths.asked(endpoint, now)
        self._line.session.probe(endpoint, now)

    def lost(self, circuit: Endpoint, now: float) -> bool:
        """Leave a circuit that is no more; false when the line has no other way now."""
        if self._line.session.path == circuit:
            self._leave(now)
        self.paths.remove(circuit)
        return self._line.session.path != circuit

    def next_timeout(self) -> float:
        """Return when `handle_timeout` is due."""
        silent_at = self._silent_since()
        if silent_at is None:
            return min(self._measure_at, self._beat_at())
        delay_s = self._config.silence_s if self._asked_for == silent_at else self._config.silence_s / 2
        return min(self._measure_at, silent_at + delay_s)

    def handle_timeout(self, now: float) -> None:
        """Leave a way that gives no answer, ask whether it still stands, and measure the others."""
        session, silent_at = self._line.session, self._silent_since()
        if silent_at is not None and now >= silent_at + self._config.silence_s:
            self._leave(now)
        elif silent_at is not None and now >= silent_at + self._config.silence_s / 2:
            self._doubt(silent_at, now)
        elif silent_at is None and now >= self._beat_at():
            session.ping(now)
        if now >= self._measure_at:
            self._measure_at = now + self._config.measure_s
            if self.is_lively(now):
                self._measure(now)
                self._ways.tell(self._line, now)

    def _silent_since(self) -> float | None:
        """Return since when the peer owes an answer, the last attempt to do something about it counted."""
        session = self._line.session
        since = session.unanswered_since if session.path.is_datagram else None
        return None if since is None else max(since, self._tried_at)

    def _beat_at(self) -> float:
        """Return when to ask whether the way in use still stands; a connection says by itself when it ends."""
        line, config = self._line, self._config
        heard_at, traffic_at = line.session.last_receive, self._traffic_at
        if (
            not line.carries_messages
            or not line.session.path.is_datagram
            or heard_at >= traffic_at + config.lively_s
        ):
            return float("inf")
        beat_s = min(max(heard_at - traffic_at, config.beat_s_min), config.beat_s_max)
        return heard_at + (beat_s if line.initiated else beat_s * ANSWERER_PATIENCE)

    @property
    def _traffic_at(self) -> float:
        return max(self._line.talked_at, self._line.session.data_at)

    def _doubt(self, silent_at: float, now: float) -> None:
        self._asked_for = silent_at
        self._line.session.ping(now)
        self._measure(now)
        self._ways.shaken(now)

    def _leave(self, now: float) -> None:
        """Take the best of the other ways, or have some opened."""
        path = self._line.session.path
        self._tried_at = now
        self._is_stranded = False
        self.paths.failed(path, now)
        other = self.paths.instead_of(path)
        if other is None or other.transport != RELAY:
            self._ways.seek(self._line, now)
        self._take_other(now)

    def _take_other(self, now: float) -> None:
        session = self._line.session
        other = self.paths.instead_of(session.path)
        self._is_stranded = other is None
        if other is not None:
            session.use_path(other, now)
        if session.path.transport == RELAY:
            self._ways.knock(self._line, now)

    def _measure(self, now: float) -> None:
        if not self._line.session.path.is_datagram:
            return
        for endpoint in self.paths.idle(self._line.session.path, self._line.session.rtt_s):
            self.probe(endpoint, now)

    def _judge(self, endpoint: Endpoint, now: float, gone_there: bool) -> bool:
        """Say whether to move to a way that answered."""
        session = self._line.session
        self.paths.answered(endpoint, now)
        if not session.path.is_datagram:
            return gone_there or endpoint.transport != RELAY
        if gone_there and endpoint.transport == RELAY:
            self.paths.failed(session.path, now)
            self._ways.knock(self._line, now)
        better = self.paths.prefers(endpoint, session.path, session.rtt_s, now)
        return endpoint != session.path and (gone_there or better)
