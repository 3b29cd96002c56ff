"""How two nodes behind boxes meet: a relay they share introduces them, and each goes where it sees the other.

The first packet of a call goes through the relay and, once the relay has said where the other is seen, straight there;
the answer goes both ways, too. So the handshake itself opens the boxes, where they can be opened. A line that stands
through the relay only goes on knocking.
"""

from __future__ import annotations

from collections.abc import Callable

from ...nat.messages import CallBack, Deliver
from ...nat.relay.circuits import Circuit
from ...wire.endpoint import RELAY, Endpoint
from ...wire.identity import NodeId
from .config import OverlayConfig
from .handshakes import Handshakes
from .line import Line
from .lines import LineTable
from .punching import Punching
from .reach import Reach
from .relaying import Relaying


class Meeting:
    """Introduce and be introduced; `receive` takes packets out of circuits, `lost` lines that have no way left."""

    def __init__(
        self,
        own_id: NodeId,
        config: OverlayConfig,
        lines: LineTable,
        handshakes: Handshakes,
        receive: Callable[[bytes, Endpoint, float], None],
        lost: Callable[[Line, float], None],
        reach: Reach,
        now: float,
    ) -> None:
        self._lines = lines
        self._handshakes = handshakes
        self._lost = lost
        self._reach = reach
        self.receive = receive
        self.relaying = Relaying(config, own_id, lines, self, now)
        self._punching = Punching(config.punch, lines)
        handshakes.introduced = self.relaying.introduced

    def stands(self, line: Line, now: float) -> None:
        """Take note of a new line: ask its peer to relay for us, or begin to do without the relay in between."""
        if line.endpoint.transport == RELAY:
            line.circuit = line.endpoint
            self._knock(line, now)
        self.relaying.consider(line, now)

    def call_through(self, relay: Line | None, target: NodeId) -> None:
        """Call a peer through a relay to which there is a line now."""
        dial = self._handshakes.dialing(target)
        if relay is None or dial is None or relay.session.path.transport == RELAY:
            return
        self._handshakes.add_way(dial, self.relaying.open(relay, target).endpoint)

    def introduced(self, circuit: Circuit, now: float) -> None:
        """Meet the other end of a circuit where its relay sees it: call it there, or knock for the line there is."""
        endpoint = self.relaying.introduced(circuit.endpoint)
        dial = self._handshakes.dialing(circuit.target) if circuit.target is not None else None
        if dial is not None and endpoint is not None:
            self._handshakes.add_way(dial, endpoint)
        for line in self._lines.current():
            if line.circuit == circuit.endpoint and line.session.path.transport == RELAY:
                self._knock(line, now)

    def closed(self, circuit: Circuit, now: float) -> None:
        """End the lines that had no other way than this circuit."""
        for line in self._lines.current():
            if line.session.path == circuit.endpoint:
                self._lost(line, now)

    def asked(self, line: Line, message: CallBack | Deliver, now: float) -> None:
        """Help a peer to find out whether strangers reach it."""
        self._reach.receive(line, message, now)

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` is due."""
        times = (self.relaying.next_timeout(), self._punching.next_timeout(), self._reach.next_timeout())
        return min((time for time in times if time is not None), default=None)

    def handle_timeout(self, now: float) -> None:
        """Renew, forget, knock and test."""
        self._reach.handle_timeout(now)
        self._seek_relays(now)
        self.relaying.handle_timeout(now)
        self._punching.handle_timeout(now)

    def _seek_relays(self, now: float) -> None:
        """Reserve at peers that relay for others, as soon as this node is known to need it."""
        wanted, reservations = self._reach.wants_relays, self.relaying.reservations
        if wanted and not reservations.wanted:
            reservations.wanted = True
            for line in self._lines.current():
                self.relaying.consider(line, now)
        elif reservations.wanted and not wanted:
            reservations.wanted = False
            reservations.give_up()

    def _knock(self, line: Line, now: float) -> None:
        endpoint = self.relaying.introduced(line.circuit) if line.circuit is not None else None
        if endpoint is not None:
            self._punching.start(line, [endpoint], now)
