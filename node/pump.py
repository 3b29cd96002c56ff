"""Move packets between an Overlay and the world, and keep one timer for all it waits for.

The first packet of a loop turn leaves at once, so a single request is never held back; what is queued later in the
same turn leaves together at its end, so a burst shares packets and system calls.
"""

from __future__ import annotations

from functools import partial

from ..wire import fault_points
from ..wire.endpoint import Endpoint
from .overlay.overlay import Overlay
from .ports import Clock, Network, Timer

TIMERS_MAX = 8
"""Timers at once: one an hour ahead stays while some that are due within a second come and go."""


class Pump:
    """Drive one Overlay on one Clock and one Network."""

    __slots__ = (
        "_clock",
        "_closed",
        "_deadline",
        "_kicked_again",
        "_network",
        "_now",
        "_passed_on",
        "_timers",
        "_turn_used",
        "overlay",
    )

    def __init__(self, overlay: Overlay, clock: Clock, network: Network) -> None:
        self.overlay = overlay
        self._clock = clock
        self._now = clock.now
        self._network = network
        self._timers: list[tuple[float, Timer]] = []
        """When a timer is set for, the earliest last."""
        self._deadline: float | None = None
        """When the Overlay wants to be woken up."""
        self._turn_used = self._kicked_again = False
        self._closed = False
        self._passed_on: bool | None = None
        """All that came since the last flush was passed on to others; None: nothing came."""

    def receive(self, packet: bytes | memoryview, source: Endpoint) -> None:
        """Hand one packet to the Overlay; call `flush` after the last of a batch."""
        passed_on = self.overlay.receive(packet, source, self._now())
        if self._passed_on is not False:
            self._passed_on = passed_on

    def stream_opened(self, endpoint: Endpoint) -> None:
        """Tell the Overlay that a connection it asked for stands."""
        self.overlay.stream_opened(endpoint, self._clock.now())
        self.flush()

    def stream_closed(self, endpoint: Endpoint) -> None:
        """Tell the Overlay that a connection is gone or never came."""
        if not self._closed:
            self.overlay.stream_closed(endpoint, self._clock.now())
            self.flush()

    def kick(self) -> None:
        """Send what a command queued: now if it is the first of this loop turn, else with the rest at its end."""
        self._passed_on = False
        if self._turn_used:
            self._kicked_again = True
        else:
            self._turn_used = True
            self._clock.call_soon(self._turn_ends)
            self.flush()

    def flush(self) -> None:
        """Send all that may leave and re-arm the timer."""
        overlay, network = self.overlay, self._network
        passed_on, self._passed_on = self._passed_on, None
        if overlay.has_output:
            send = network.send
            for packet, destination in overlay.take_packets(self._now()):
                send(packet, destination)
                if fault_points.active and self._fails("pump.duplicate-packet"):
                    send(packet, destination)
            # Whoever passes packets on for others waits for nothing.
            network.flush(expects=not passed_on)
            if overlay.has_changes:
                self._change()
        if not passed_on:
            self._arm()

    def moved(self, endpoints: tuple[Endpoint, ...]) -> None:
        """Tell the Overlay what its sockets are reached at from now on."""
        reach = self.overlay.reach
        reach.own_endpoints = endpoints
        reach.on_change()

    def close(self, reason: str = "shutdown") -> None:
        """Say goodbye to the peers and stop the timer."""
        self.overlay.close(reason, self._clock.now())
        self.flush()
        self.abandon()

    def abandon(self) -> None:
        """Stop without a word, as a killed process does."""
        self._closed = True
        for _, timer in self._timers:
            timer.cancel()
        self._timers = []

    def _change(self) -> None:
        """Open and close what the Overlay asks for."""
        overlay, network = self.overlay, self._network
        for number in overlay.take_socket_closures():
            network.close_socket(number)
        for endpoint in overlay.take_stream_requests():
            network.open_stream(endpoint)
        for endpoint in overlay.take_stream_closures():
            network.close_stream(endpoint)

    def _turn_ends(self) -> None:
        kicked_again = self._kicked_again
        self._turn_used = self._kicked_again = False
        if kicked_again and not self._closed:
            self.flush()

    def _arm(self) -> None:
        self._deadline = self.overlay.next_timeout()
        self._wake_up_in_time()

    def _wake_up_in_time(self) -> None:
        deadline, timers = self._deadline, self._timers
        if self._closed or deadline is None or (timers and timers[-1][0] <= deadline):
            return
        if fault_points.active and self._fails("pump.early-timer"):
            deadline = (deadline + self._now()) / 2
        if len(timers) >= TIMERS_MAX:
            timers.pop()[1].cancel()
        timers.append((deadline, self._clock.call_at(deadline, partial(self._timed_out, deadline))))

    def _fails(self, point: str) -> bool:
        return fault_points.fires(point, self.overlay.identity.node_id)

    def _timed_out(self, armed_for: float) -> None:
        self._timers = [entry for entry in self._timers if entry[0] != armed_for]
        now, deadline = self._now(), self._deadline
        if deadline is not None and deadline <= now:
            self.overlay.handle_timeout(now)
            self.flush()
        else:
            # What it was for has been settled meanwhile: half of all timers, so the Overlay is not asked again.
            self._wake_up_in_time()
