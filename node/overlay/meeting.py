"""How two nodes behind boxes meet: a relay they share introduces them, and each goes where it sees the other.

The first packet of a call goes through the relay and, once the relay has said where the other is seen, straight there;
the answer goes both ways, too. So the handshake itself opens the boxes, where they can be opened. A line that stands
through the relay only goes on knocking.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import Protocol

from ...dht.dht import Dht
from ...nat.messages import CallBack, Candidates, Deliver, ProofMessage, Reached, Search
from ...nat.relay.circuits import Circuit
from ...wire.contact import Contact
from ...wire.endpoint import LOOPBACK, PUBLIC, RELAY, Endpoint
from ...wire.errors import MeshError
from ...wire.identity import NodeId
from ...wire.packet import DATA, DATA_HEADER, EPOCH_MASK, destination_id
from .config import OverlayConfig
from .dialing import CIRCUITS_MAX, Connected
from .handshakes import Handshakes
from .line import Line
from .lines import LineTable
from .proving import Proving
from .punching import Punching
from .reach import Reach
from .relay_search import RelaySearch
from .relaying import Relaying
from .sampling import Sampling
from .watch import Watch

SHAKEN_INTERVAL_S = 0.25
"""Least time between two times that all relays are told; many lines are in doubt at once."""


class Network(Protocol):
    """What the overlay does for meetings."""

    def receive(self, packet: bytes, source: Endpoint, now: float) -> bool:
        """Take a packet that came through a circuit."""

    def connect(self, peer: Contact, now: float, done: Connected, *others: Endpoint) -> None:
        """Get a line to a relay."""

    def lost(self, line: Line, now: float) -> None:
        """End a line that has no way left."""


class Meeting:
    """Introduce and be introduced, and know the ways to each peer."""

    def __init__(
        self,
        own_id: NodeId,
        config: OverlayConfig,
        lines: LineTable,
        handshakes: Handshakes,
        network: Network,
        reach: Reach,
        dht: Dht,
        send: Callable[[bytes, Endpoint], None],
        entropy: Callable[[int], bytes],
        random: Random,
        now: float,
    ) -> None:
        self._lines = lines
        self._handshakes = handshakes
        self._network = network
        self._reach = reach
        self._config = config
        self._relays: dict[NodeId, tuple[Contact, ...]] = {}
        """Through whom those can be reached that were called."""
        self._shaken_at = now
        self.relaying = Relaying(config, own_id, lines, self, now)
        seeks = (dht, lines, self.relaying, network.connect, random)
        self._relay_search = RelaySearch(config.reservations, *seeks, now)
        reach.on_serving = self.relaying.serve
        self._sampling = Sampling(dht, lines, reach, send, entropy)
        self._proving = Proving(config.dial_back, lines, self._relays_to, send, entropy, now)
        reach.witnessed = self._proving.arrived
        pays = self.relaying.pays_for_knock
        self.punching = Punching(config, lines, reach, self._sampling, self._proving, pays, entropy)
        self.searching = self.punching.searching
        handshakes.introduced = self._other_way
        handshakes.next_port = self._sampling.next_port

    def receive(self, packet: bytes, source: Endpoint, now: float) -> None:
        """Take a packet that came through a circuit; if it is true, the circuit leads to its sender."""
        is_data = len(packet) >= DATA_HEADER.size and packet[0] & ~EPOCH_MASK == DATA
        line = self._lines.by_local_id.get(destination_id(packet)) if is_data else None
        taken_bytes = line.session.rx_bytes if line is not None else 0
        self._network.receive(packet, source, now)
        if line is not None and line.session.rx_bytes != taken_bytes:
            self._watch(line, now).add(source, now)

    def stands(self, line: Line, now: float) -> None:
        """Take note of a new line: ask its peer to relay for us, or begin to do without the relay in between."""
        circuits = [circuit.endpoint for circuit in self.relaying.circuits.to(line.node_id)]
        if line.endpoint.transport == RELAY:
            line.circuit = line.endpoint
            circuits.append(line.endpoint)
        if circuits or line.node_id in self._relays:
            watch = self._watch(line, now)
            for circuit in circuits:
                watch.add(circuit, now)
        if line.circuit is not None:
            self.knock(line, now)
            self._knock_where_answered(line, line.circuit, now)
        self.relaying.consider(line, now)

    def places(self, endpoints: tuple[Endpoint, ...], now: float, *, relayed: bool) -> tuple[Endpoint, ...]:
        """Return which endpoints of a peer to call at once: with a relay at hand, none that may be in vain."""
        self.relaying.begun |= relayed
        if relayed and self._counts:
            self._sampling.refresh(now)
            return tuple(endpoint for endpoint in endpoints if endpoint.scope == PUBLIC)
        return endpoints

    def call(self, target: NodeId, relays: Sequence[Contact], now: float) -> None:
        """Call a peer through relays, too, and remember them for when other ways end."""
        if not relays:
            return
        self._remember(target, tuple(relays[:CIRCUITS_MAX]))
        for relay in self._relays[target]:
            self._network.connect(relay, now, partial(self._relay_called, target, now))

    def reached_through(self, line: Line, relays: tuple[Contact, ...], now: float) -> None:
        """Remember through whom a peer says that it can be reached, as far as it can know those addresses."""
        known = [each for each in relays if each.scope >= max(self._scope_of(line), LOOPBACK)]
        if known:
            self._remember(line.node_id, tuple(known))
            self._watch(line, now)

    def tell(self, line: Line, now: float) -> None:
        """Tell a peer through whom this node can be reached, so that it can seek, too."""
        self.relaying.say_through(line, now)

    def seek(self, line: Line, now: float) -> None:
        """Open circuits to the peer of a line through all relays that are known to lead there."""
        for relay in self._relays.get(line.node_id, ()):
            self._network.connect(relay, now, partial(self._relay_called, line.node_id, now))

    def knock(self, line: Line, now: float) -> None:
        """Try to do without a relay: knock anew where relays see the peer, and where it was met."""
        paths = self._watch(line, now).paths
        seen = [self.relaying.introduced(circuit) for circuit in paths.circuits()]
        met = [line.endpoint] if line.endpoint.transport == "udp" else []
        places = dict.fromkeys([*seen, *met, *paths.direct()])
        self.punching.start(line, [each for each in places if each is not None], now)

    def shaken(self, now: float) -> None:
        """Show the relays of this node where it is met now."""
        if now < self._shaken_at + SHAKEN_INTERVAL_S:
            return
        self._shaken_at = now
        for relay in self.relaying.reservations.held:
            line = self._lines.find(relay)
            if line is not None:
                line.session.ping(now)
                self._lines.mark(line)

    def introduced(self, circuit: Circuit, now: float) -> None:
        """Meet the other end of a circuit where its relay sees it: call it there, or knock for the line there is."""
        self._sampling.refresh(now)
        endpoint = self.relaying.introduced(circuit.endpoint)
        if endpoint is None:
            return
        dial = self._handshakes.dialing(circuit.target) if circuit.target is not None else None
        if dial is not None and not self._counts:
            self._handshakes.add_way(dial, endpoint)
        for line in self._lines.current():
            relayed = line.session.path.transport == RELAY
            if relayed and line.watch is not None and circuit.endpoint in line.watch.paths:
                self.punching.introduced(line, endpoint, now)

    def closed(self, circuit: Circuit, now: float) -> None:
        """Take other ways than this circuit; end the lines that have none."""
        for line in self._lines.current():
            if line.watch is not None and not line.watch.lost(circuit.endpoint, now):
                self._network.lost(line, now)
            elif line.watch is not None:
                self._lines.mark(line)

    def asked(self, line: Line, message: CallBack | Deliver | Reached, now: float) -> None:
        """Help a peer to find out whether strangers reach it, or hear of it."""
        self._reach.receive(line, message, now)

    def told(self, line: Line, message: Candidates | Search | ProofMessage, now: float) -> bool:
        """Knock or search for the other end of a line where it says, or take part in a proof of where somebody is."""
        if isinstance(message, Candidates | Search):
            return self.punching.receive(line, message, now)
        return self._proving.receive(line, message, now)

    @property
    def is_busy(self) -> bool:
        """Tell whether there is anything of all this to look after: asked at every packet, and mostly there is not."""
        reach_is_busy = self._reach.is_busy
        if reach_is_busy or not self.relaying.begun:
            return reach_is_busy
        return self.relaying.is_busy or self.punching.is_busy or self._sampling.under_way

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` is due."""
        if not self.is_busy:
            return None
        parts = (self.relaying, self._relay_search, self.punching, self._reach, self._sampling)
        times = [time for time in (part.next_timeout() for part in parts) if time is not None]
        return min(times, default=None)

    def handle_timeout(self, now: float) -> None:
        """Renew, forget, knock and test."""
        if not self.is_busy:
            return
        self._reach.handle_timeout(now)
        self._want_relays()
        self._relay_search.handle_timeout(now)
        self.relaying.handle_timeout(now)
        self._sampling.handle_timeout(now)
        self.punching.handle_timeout(now)

    def _other_way(self, source: Endpoint) -> Endpoint | None:
        """Return where a caller is met whose first packet came through a circuit; it costs a box that counts a port."""
        return None if self._sampling.under_way else self.relaying.introduced(source)

    def _knock_where_answered(self, line: Line, circuit: Endpoint, now: float) -> None:
        """Knock where the answer of a hard peer came from: no relay sees that port, and the way stands already."""
        answered, seen = line.answered_from, self.relaying.introduced(circuit)
        # At another address than the relay told it may have been sent on by anybody.
        if answered is not None and seen is not None and answered.host == seen.host:
            self.punching.introduced(line, answered, now)

    @property
    def _counts(self) -> bool:
        """Tell whether a call to a place where the peer may not be met would spoil the next one: it takes a port."""
        return bool(self._reach.observations.step())

    def _want_relays(self) -> None:
        """Have relays sought as soon as this node is known to need some, and let go of them when it does not."""
        wanted, reservations = self._reach.wants_relays, self.relaying.reservations
        if self._config.checks_reach and wanted is not reservations.wanted:
            reservations.wanted = wanted
            if not wanted:
                reservations.give_up()

    def _relay_called(self, target: NodeId, now: float, relay: Line | None, error: MeshError | None) -> None:
        """Open a circuit through a relay to which there is a line now, for a call or for a line in want of ways."""
        dial, line = self._handshakes.dialing(target), self._lines.find(target)
        if relay is None or relay.session.path.transport == RELAY or (dial is None and line is None):
            return
        now = max(now, relay.opened)
        circuit = self.relaying.open(relay, target).endpoint
        if line is not None:
            self._watch(line, now).add(circuit, now)
            self._lines.mark(line)
        elif dial is not None:
            self._handshakes.add_way(dial, circuit)

    def _scope_of(self, line: Line) -> int:
        """Return how far addresses mean something to a peer: as far as where it, or its relay, is met."""
        circuit = self.relaying.circuits.at(line.session.path)
        relay = self._lines.find(circuit.relay) if circuit is not None else None
        return (relay or line).session.path.scope

    def _relays_to(self, line: Line) -> list[NodeId]:
        """Return the relays that the peer of a line has chosen."""
        told = [relay.node_id for relay in self._relays.get(line.node_id, ())]
        circuits = self.relaying.circuits.all()
        used = [
            each.relay for each in circuits if line.watch is not None and each.endpoint in line.watch.paths
        ]
        return told + used

    def _remember(self, target: NodeId, relays: tuple[Contact, ...]) -> None:
        self._relays.pop(target, None)
        self._relays[target] = relays
        if len(self._relays) > self._config.lines_max:
            del self._relays[next(iter(self._relays))]

    def _watch(self, line: Line, now: float) -> Watch:
        if line.watch is None:
            line.watch = Watch(line, self._config.paths, self, now)
        return line.watch
