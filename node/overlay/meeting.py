"""How two nodes behind boxes meet: a relay they share introduces them, and each goes where it sees the other.

The first packet of a call goes through the relay and, once the relay has said where the other is seen, straight there;
the answer goes both ways, too. So the handshake itself opens the boxes, where they can be opened. A line that stands
through the relay only goes on knocking.
"""

from __future__ import annotations

from collections.abc import Callable

from ...dht.dht import Dht
from ...nat.messages import CallBack, Candidates, Deliver, Reached, Search
from ...nat.relay.circuits import Circuit
from ...wire.endpoint import PUBLIC, RELAY, Endpoint
from ...wire.identity import NodeId
from .config import OverlayConfig
from .handshakes import Handshakes
from .line import Line
from .lines import LineTable
from .punching import Punching
from .reach import Reach
from .relaying import Relaying
from .sampling import Sampling


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
        dht: Dht,
        send: Callable[[bytes, Endpoint], None],
        entropy: Callable[[int], bytes],
        now: float,
    ) -> None:
        self._lines = lines
        self._handshakes = handshakes
        self._lost = lost
        self._reach = reach
        self._checks_reach = config.checks_reach
        self.receive = receive
        self.relaying = Relaying(config, own_id, lines, self, now)
        self._sampling = Sampling(dht, lines, reach, send, entropy)
        pays = self.relaying.pays_for_knock
        self._punching = Punching(config, lines, reach, self._sampling, pays, entropy)
        self.searching = self._punching.searching
        handshakes.introduced = self._other_way
        handshakes.next_port = self._sampling.next_port

    def stands(self, line: Line, now: float) -> None:
        """Take note of a new line: ask its peer to relay for us, or begin to do without the relay in between."""
        if line.endpoint.transport == RELAY:
            line.circuit = line.endpoint
            self._knock(line, now)
        self.relaying.consider(line, now)

    def places(self, endpoints: tuple[Endpoint, ...], now: float, *, relayed: bool) -> tuple[Endpoint, ...]:
        """Return which endpoints of a peer to call at once: with a relay at hand, none that may be in vain."""
        if relayed and self._counts:
            self._sampling.refresh(now)
            return tuple(endpoint for endpoint in endpoints if endpoint.scope == PUBLIC)
        return endpoints

    def call_through(self, relay: Line | None, target: NodeId) -> None:
        """Call a peer through a relay to which there is a line now."""
        dial = self._handshakes.dialing(target)
        if relay is None or dial is None or relay.session.path.transport == RELAY:
            return
        self._handshakes.add_way(dial, self.relaying.open(relay, target).endpoint)

    def introduced(self, circuit: Circuit, now: float) -> None:
        """Meet the other end of a circuit where its relay sees it: call it there, or knock for the line there is."""
        self._sampling.refresh(now)
        endpoint = self.relaying.introduced(circuit.endpoint)
        dial = self._handshakes.dialing(circuit.target) if circuit.target is not None else None
        if dial is not None and endpoint is not None and not self._counts:
            self._handshakes.add_way(dial, endpoint)
        for line in self._lines.current():
            if line.circuit == circuit.endpoint and line.session.path.transport == RELAY:
                self._knock(line, now)

    def closed(self, circuit: Circuit, now: float) -> None:
        """End the lines that had no other way than this circuit."""
        for line in self._lines.current():
            if line.session.path == circuit.endpoint:
                self._lost(line, now)

    def asked(self, line: Line, message: CallBack | Deliver | Reached, now: float) -> None:
        """Help a peer to find out whether strangers reach it, or hear of it."""
        self._reach.receive(line, message, now)

    def told(self, line: Line, message: Candidates | Search, now: float) -> bool:
        """Knock or search for the other end of a line where it says."""
        return self._punching.receive(line, message, now)

    @property
    def is_busy(self) -> bool:
        """Tell whether there is anything of all this to look after: asked at every packet, and mostly there is not."""
        return (
            self._checks_reach or self.relaying.is_busy or self._punching.is_busy or self._sampling.under_way
        )

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` is due."""
        if not self.is_busy:
            return None
        parts = (self.relaying, self._punching, self._reach, self._sampling)
        times = [time for time in (part.next_timeout() for part in parts) if time is not None]
        return min(times, default=None)

    def handle_timeout(self, now: float) -> None:
        """Renew, forget, knock and test."""
        if not self.is_busy:
            return
        self._reach.handle_timeout(now)
        self._seek_relays(now)
        self.relaying.handle_timeout(now)
        self._sampling.handle_timeout(now)
        self._punching.handle_timeout(now)

    def _other_way(self, source: Endpoint) -> Endpoint | None:
        """Return where a caller is met whose first packet came through a circuit; it costs a box that counts a port."""
        return None if self._sampling.under_way else self.relaying.introduced(source)

    @property
    def _counts(self) -> bool:
        """Tell whether a call to a place where the peer may not be met would spoil the next one: it takes a port."""
        return bool(self._reach.observations.step())

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
            self._punching.start(line, endpoint, now)
