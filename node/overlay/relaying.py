"""Relays and lines: packets to circuits leave inside other lines, and what comes out of those goes where it belongs.

A circuit is an endpoint like any other to handshakes and sessions. Here is where that stops: a packet for it becomes a
frame of the line to its relay. When this node serves, frames of one line go on over another.
"""

from __future__ import annotations

from collections import Counter
from typing import Protocol

from ...nat.messages import (
    RELAYS_MAX,
    CallBack,
    Candidates,
    Closed,
    Deliver,
    Expect,
    Incoming,
    Open,
    Opened,
    ProofMessage,
    Prove,
    Reached,
    Refused,
    RelayMessage,
    Reserved,
    Search,
    Through,
    Witnessed,
    decode,
    encode,
)
from ...nat.relay.circuits import Circuit, Circuits
from ...nat.relay.reservations import Reservations
from ...nat.relay.server import RelayServer
from ...wire.contact import Contact
from ...wire.endpoint import RELAY, Endpoint
from ...wire.errors import DecodeError
from ...wire.frames import Nat, Relayed
from ...wire.identity import NodeId
from .config import OverlayConfig
from .line import Line
from .lines import LineTable

FROM_RELAY = 1
"""Lowest bit of a frame's circuit on its way from a relay to an end."""

KNOCK_BYTES = 51
"""A path challenge in a data packet."""

Packet = tuple[bytes, Endpoint]
Packets = list[Packet]


class Ends(Protocol):
    """What the overlay does with what circuits bring."""

    def receive(self, packet: bytes, source: Endpoint, now: float) -> None:
        """Take a packet that came through a circuit."""

    def introduced(self, circuit: Circuit, now: float) -> None:
        """Note where the other end of a circuit can be met without it."""

    def closed(self, circuit: Circuit, now: float) -> None:
        """Note that a circuit is no more."""

    def reached_through(self, line: Line, relays: tuple[Contact, ...], now: float) -> None:
        """Note through whom a peer can be reached, too."""

    def asked(self, line: Line, message: CallBack | Deliver | Reached, now: float) -> None:
        """Help a peer to find out whether strangers reach it, or hear of it."""

    def told(self, line: Line, message: Candidates | Search | ProofMessage, now: float) -> bool:
        """Take the word of the other end of a line that a relay carries, or a part in a proof; false: of no use."""


class Relaying:
    """Serve circuits, use circuits, and keep the reservations of this node."""

    def __init__(
        self, config: OverlayConfig, own_id: NodeId, lines: LineTable, ends: Ends, now: float
    ) -> None:
        self._lines = lines
        self._ends = ends
        self.server = RelayServer(config.relay)
        self.circuits = Circuits(config.circuits_max)
        self.reservations = Reservations(own_id, config.reservations)
        self.dropped: Counter[str] = Counter()
        self.carried: Packets = []
        """Packets that hold those of others, ready to leave."""
        self.begun = False
        """Relays or boxes were spoken of, by a peer or by this node: until then there is nothing to look after."""
        self._sweep_at = now + config.relay_sweep_s
        self._sweep_s = config.relay_sweep_s

    def open(self, line: Line, target: NodeId) -> Circuit:
        """Ask the relay of a line for a circuit to a node, and return it; packets may be sent at once."""
        self.begun = True
        circuit = self.circuits.open(line.node_id, target)
        self._say(line, Open(circuit.number, target))
        return circuit

    def say_through(self, line: Line, now: float) -> None:
        """Tell a peer through whom this node can be reached, if it needs that."""
        held = [self._lines.find(relay) for relay in self.reservations.granted(now)]
        relays = [each.contact() for each in held if each is not None and each.can_be_called]
        if relays:
            line.session.send_nat(encode(Through(tuple(relays[:RELAYS_MAX]))))
            self._lines.mark(line)

    def introduced(self, source: Endpoint) -> Endpoint | None:
        """Return where a relay saw the other end of a circuit, when `source` is one."""
        circuit = self.circuits.at(source) if source.transport == RELAY else None
        endpoint = circuit.introduced if circuit is not None else None
        # Nobody can knock where a peer's connection over TCP begins.
        known = endpoint is not None and endpoint.transport == "udp" and endpoint.is_usable
        return endpoint if known else None

    def pays_for_knock(self, line: Line) -> bool:
        """Tell whether what came through the circuit that a line uses pays for one more knock, and count it."""
        circuit = self.circuits.at(line.session.path)
        return circuit is None or circuit.pays_for(KNOCK_BYTES)

    def receive(self, line: Line, now: float) -> bool:
        """Act on what came over a line for relays and circuits; true when all of it is for others."""
        self.begun = True
        frames, line.session.nat = line.session.nat, []
        passed_on = True
        for frame in frames:
            if isinstance(frame, Nat):
                passed_on = False
                self._receive_message(line, frame.data, now)
            elif frame.circuit & FROM_RELAY:
                passed_on = False
                self._receive_packet(line, frame, now)
            else:
                self._forward(line, frame.circuit >> 1, frame.packet, now)
        return passed_on

    def take_packets(self, packets: Packets, now: float) -> Packets:
        """Return packets, and last what goes through circuits, sealed for the next relay or end.

        The words that open a circuit are among the others, and must arrive before what goes through it.
        """
        carried, self.carried = self.carried, []
        if not self.circuits:
            return packets + carried
        plain: Packets = []
        for packet in packets:
            if packet[1].transport != RELAY:
                plain.append(packet)
            elif (wrapped := self._wrapped(packet, now)) is not None:
                carried.append(wrapped)
        return plain + carried

    def moved(self, line: Line) -> None:
        """Tell the other ends of a peer's circuits where it is met now."""
        self._tell(self.server.moved(line.node_id, line.session.path))

    def left(self, line: Line, now: float) -> None:
        """Forget what went through a peer whose line is over."""
        self._tell(self.server.left(line.node_id))
        if self.reservations.has(line.node_id):
            self.reservations.lost(line.node_id)
            self.fill(now)
        for circuit in self.circuits.of_relay(line.node_id):
            self._close(circuit, now)

    @property
    def is_busy(self) -> bool:
        """Tell whether this node serves or is served."""
        return bool(self.circuits) or self.server.is_busy or self.reservations.is_busy

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` is due; None while there is nothing to look after."""
        due = self.reservations.next_timeout()
        if not self.server.is_busy:
            return due
        return self._sweep_at if due is None else min(due, self._sweep_at)

    def handle_timeout(self, now: float) -> None:
        """Forget what is over, and renew what is held."""
        if now >= self._sweep_at and self.server.is_busy:
            self._sweep_at = now + self._sweep_s
            self._tell(self.server.expire(now))
        for relay in self.reservations.take_due(now):
            line = self._lines.find(relay)
            if line is not None:
                self._reserve(line, now)

    def consider(self, line: Line, now: float, *, anywhere: bool = False) -> None:
        """Reserve at the peer of a line, if it serves and this node is in want of relays; relays at one address, which
        fall away together, only if it may be `anywhere`."""
        path = line.session.path
        if not line.serves or path.transport == RELAY or not self.reservations.wants(line.node_id, now):
            return
        held = [self._lines.find(relay) for relay in self.reservations.held]
        if anywhere or all(other is None or other.session.path.host != path.host for other in held):
            self._reserve(line, now)

    def serve(self, serves: bool) -> None:
        """Begin to relay for others, or take nobody in any more: what is reserved lasts to its end."""
        self.server.serves = serves

    def fill(self, now: float, *, anywhere: bool = False) -> None:
        """Reserve at peers that serve until there are enough, the nearest first."""
        serving = [line for line in self._lines.current() if line.serves]
        for line in sorted(serving, key=_rtt_s):
            self.consider(line, now, anywhere=anywhere)

    def keeps(self, line: Line) -> bool:
        """Tell whether a line must not end for idleness: something is reserved or carried over it."""
        node_id = line.node_id
        return (
            self.reservations.has(node_id)
            or self.server.holds(node_id)
            or bool(self.circuits.of_relay(node_id))
        )

    # frames in

    def _receive_packet(self, line: Line, frame: Relayed, now: float) -> None:
        number = frame.circuit >> 1
        circuit = self.circuits.find(line.node_id, number)
        if circuit is None and number % 2 and self.reservations.has(line.node_id):
            circuit = self.circuits.incoming(line.node_id, number)
        if circuit is None:
            self.dropped["relay: packet from no circuit"] += 1
        else:
            circuit.came_bytes += len(frame.packet)
            self._ends.receive(frame.packet, circuit.endpoint, now)

    def _forward(self, line: Line, number: int, packet: bytes, now: float) -> None:
        leg = self.server.forward(line.node_id, number, len(packet), now)
        onward = self._lines.find(leg.peer) if leg is not None else None
        if leg is not None and onward is not None:
            carrier = onward.session.relay(leg.circuit << 1 | FROM_RELAY, packet, now)
            if carrier is not None:
                self.carried.append(carrier)

    def _receive_message(self, line: Line, data: bytes, now: float) -> None:
        try:
            message = decode(data)
        except DecodeError as error:
            self.dropped[f"{error.what}: {error.reason}"] += 1
            return
        if isinstance(message, Reserved):
            self.reservations.answered(line.node_id, message.life_s, now)
        elif isinstance(message, Opened | Refused | Incoming):
            self._receive_about_circuit(line, message, now)
        elif isinstance(message, Closed) and (circuit := self.circuits.find(line.node_id, message.circuit)):
            self._close(circuit, now)
        elif isinstance(message, Through):
            self._ends.reached_through(line, message.relays, now)
        elif isinstance(message, CallBack | Deliver | Reached):
            self._ends.asked(line, message, now)
        elif isinstance(message, Candidates | Search | Expect | Prove | Witnessed):
            if not self._ends.told(line, message, now):
                self.dropped["nat message: not the time for it"] += 1
        else:
            path = line.session.path
            seen = path if path.transport == "udp" else line.endpoint
            self._tell(self.server.receive(message, line.node_id, seen, now))

    def _receive_about_circuit(self, line: Line, message: Opened | Refused | Incoming, now: float) -> None:
        relay, number = line.node_id, message.circuit
        if isinstance(message, Incoming):
            if not self.reservations.has(relay) or not number % 2:
                self.dropped["relay: circuit from no relay of ours"] += 1
                return
            self._ends.introduced(self.circuits.incoming(relay, number, message.endpoint), now)
            return
        circuit = self.circuits.find(relay, number)
        if circuit is None or circuit.target is None:
            self.dropped["relay: answer to no question"] += 1
        elif isinstance(message, Opened):
            circuit.introduced = message.endpoint
            self._ends.introduced(circuit, now)
        else:
            self._close(circuit, now)

    # out

    def _wrapped(self, packet: Packet, now: float) -> Packet | None:
        """Put a packet into one of the line to its relay; more than once where that line goes through a relay, too."""
        wrapped: Packet | None = packet
        while wrapped is not None and wrapped[1].transport == RELAY:
            circuit = self.circuits.at(wrapped[1])
            line = self._lines.find(circuit.relay) if circuit is not None else None
            if circuit is None or line is None:
                self.dropped["relay: no line to it"] += 1
                return None
            wrapped = line.session.relay(circuit.number << 1, wrapped[0], now)
        return wrapped

    def _reserve(self, line: Line, now: float) -> None:
        line.reserves(now)
        line.session.send_nat(self.reservations.ask(line.node_id, now))
        self._lines.mark(line)

    def _say(self, line: Line, message: RelayMessage) -> None:
        line.session.send_nat(encode(message))
        self._lines.mark(line)

    def _tell(self, said: list[tuple[NodeId, bytes]]) -> None:
        for peer, message in said:
            line = self._lines.find(peer)
            if line is not None:
                line.session.send_nat(message)
                self._lines.mark(line)

    def _close(self, circuit: Circuit, now: float) -> None:
        self.circuits.remove(circuit)
        self._ends.closed(circuit, now)


def _rtt_s(line: Line) -> float:
    rtt_s = line.session.rtt_s
    return float("inf") if rtt_s is None else rtt_s
