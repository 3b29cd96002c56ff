"""When sessions move to TCP connections and back.

A session that has much to send asks for a connection to the peer's TCP port, and both sides follow it there. When a
connection ends, its session goes back to UDP with everything it still owed. A peer whose TCP port does not answer is
left alone for a while.
"""

from __future__ import annotations

from ...wire.endpoint import Endpoint
from .config import OverlayConfig
from .line import Line


class StreamPaths:
    """Choose between datagrams and connections for all lines of a node."""

    def __init__(self, config: OverlayConfig) -> None:
        self._config = config
        self._requests: list[Endpoint] = []
        self._closures: list[Endpoint] = []

    @property
    def has_output(self) -> bool:
        """Tell whether a connection is to be opened or closed."""
        return bool(self._requests or self._closures)

    def take_requests(self) -> list[Endpoint]:
        """Return the TCP endpoints to connect to."""
        requests, self._requests = self._requests, []
        return requests

    def take_closures(self) -> list[Endpoint]:
        """Return the connections that nobody uses any more."""
        closures, self._closures = self._closures, []
        return closures

    def call(self, endpoints: tuple[Endpoint, ...]) -> None:
        """Open connections for a call that goes to TCP endpoints."""
        self._requests += [endpoint for endpoint in endpoints if endpoint.transport == "tcp"]

    def ask(self, line: Line, now: float) -> None:
        """Ask for a connection to the line's peer, if it may have one and was not asked for one lately."""
        endpoint = line.stream_endpoint()
        if not self._config.allow_tcp or endpoint is None or line.session.path.transport == "tcp":
            return
        if now >= line.stream_blocked_until:
            line.stream_blocked_until = now + self._config.stream_retry_s
            self._requests.append(endpoint)

    def opened(self, line: Line, endpoint: Endpoint, now: float) -> None:
        """Use a connection that this side opened, unless the peer's came first."""
        session = line.session
        if session.path.transport == "tcp" and session.path != endpoint:
            self._closures.append(endpoint)
            return
        session.use_path(endpoint, now)
        line.heard_on_path = now

    def heard(self, line: Line, source: Endpoint, now: float) -> None:
        """Follow the peer to its connection; when both opened one, the caller stays on its own while that lives."""
        session = line.session
        former = session.path
        if source != former:
            if former.transport == "tcp":
                if line.initiated and now - line.heard_on_path < self._config.suspect_s:
                    return
                self._closures.append(former)
            session.use_path(source, now)
        line.heard_on_path = now

    def closed(self, line: Line, endpoint: Endpoint, now: float) -> bool:
        """Leave a connection that ended or never came to be; false when the line has no other way."""
        if line.stream_endpoint() == endpoint:
            line.stream_blocked_until = now + self._config.stream_retry_s
        if line.session.path != endpoint:
            return True
        if line.endpoint.transport == "tcp":
            return line.watch is not None and line.watch.lost(endpoint, now)
        line.session.use_path(line.endpoint, now)
        return True

    def left(self, line: Line) -> None:
        """Close the connection of a line that is over."""
        if line.session.path.transport == "tcp":
            self._closures.append(line.session.path)
