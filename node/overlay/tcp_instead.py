"""Calls over TCP, where the network lets no UDP through.

A node listens for both on one port, so whoever is known at a UDP endpoint can be tried at the same one over TCP. That
is done when nobody at all has answered over UDP for a while in which somebody was called: silence of one peer is that
peer's, silence of all is the network's. Peers that were met before are asked, too. From then on both are tried, until
something is heard over UDP.
"""

from __future__ import annotations

from ...wire.endpoint import Endpoint
from .config import OverlayConfig
from .dialing import Dial
from .handshakes import Handshakes
from .line import Line
from .lines import LineTable
from .stream_paths import StreamPaths

NEVER, FOREVER = float("-inf"), float("inf")

ASKED = 3
"""Peers asked whether UDP passes. Raising it costs 60 bytes each and is right also where some have just left."""


class TcpInstead:
    """Find out whether UDP is blocked, and add TCP endpoints to calls while it is."""

    def __init__(
        self, config: OverlayConfig, lines: LineTable, handshakes: Handshakes, streams: StreamPaths
    ) -> None:
        self._config = config
        self._lines = lines
        self._handshakes = handshakes
        self._streams = streams
        self._trusted_until = NEVER if config.allow_tcp else FOREVER
        self._waiting_since: float | None = None
        """When the first call left of those that nobody answered over UDP."""
        self._has_asked = False
        self._blocked_at = NEVER
        self.is_blocked = False

    @property
    def is_waiting(self) -> bool:
        """Tell whether somebody was called and nobody has answered yet."""
        return self._waiting_since is not None

    def called(self, dial: Dial, now: float) -> None:
        """Take note of a call: try TCP as well, or wait for anybody's answer."""
        if self.is_blocked and self._hears_udp(self._blocked_at):
            self._passes(now)
        if self.is_blocked:
            self._add_twins(dial)
        elif self._waiting_since is None and now >= self._trusted_until:
            self._waiting_since, self._has_asked = now, False

    def answered(self, endpoint: Endpoint, now: float) -> None:
        """Take note of where an answer came from."""
        if endpoint.transport == "udp":
            self._passes(now)

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` is due."""
        since, after_s = self._waiting_since, self._config.tcp_after_s
        return None if since is None else since + (after_s if self._has_asked else after_s / 2)

    def handle_timeout(self, now: float) -> None:
        """Ask peers that were met over UDP; give it up for now, if nothing comes from them, either."""
        due, since = self.next_timeout(), self._waiting_since
        if due is None or since is None or now < due:
            return
        if self._hears_udp(since):
            self._passes(now)
        elif not self._has_asked:
            self._has_asked = True
            self._ask(now)
        else:
            self._waiting_since = None
            self.is_blocked, self._blocked_at = True, now
            for dial in self._handshakes.under_way():
                self._add_twins(dial)

    def _ask(self, now: float) -> None:
        for line in sorted(self._over_udp(), key=lambda line: line.session.last_receive)[-ASKED:]:
            line.session.ping(now)
            self._lines.mark(line)

    def _passes(self, now: float) -> None:
        self._trusted_until = max(now + self._config.udp_trusted_s, self._trusted_until)
        self._waiting_since = None
        self.is_blocked = False

    def _hears_udp(self, since: float) -> bool:
        return any(line.session.last_receive >= since for line in self._over_udp())

    def _over_udp(self) -> list[Line]:
        return [line for line in self._lines.current() if line.session.path.transport == "udp"]

    def _add_twins(self, dial: Dial) -> None:
        twins = [each._replace(transport="tcp") for each in dial.endpoints if each.transport == "udp"]
        new = [twin for twin in twins if twin not in dial.endpoints]
        self._streams.call(tuple(new))
        for twin in new:
            self._handshakes.add_way(dial, twin)
