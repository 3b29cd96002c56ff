"""The network of one world: packets of hosts go in, and what loss, boxes and partitions leave of them comes out.

A packet takes the short way when nothing but distance, jitter and single losses can happen to it, which is most of the
time in most scenarios; the long way asks everything (datagrams.py, streams.py). Every packet that a host sends goes
into the digests, the counters and the taps, lost ones too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TypeAlias

from ...wire.endpoint import Endpoint
from ..scenario.schema import Scenario
from ..world import World
from .attachment import NOBODY, KnowsStream, Receive, StreamEvents
from .datagrams import HEADER_BYTES as HEADER_BYTES
from .datagrams import Datagrams
from .delays import SAME_PLACE_NS
from .digest import PacketDigest
from .medium import Medium
from .nat_box import NatBox
from .nat_mix import NatMix
from .stream_end import StreamConfig, bytes_on_wire
from .stream_opening import StreamOpening
from .streams import Streams

Packet: TypeAlias = bytes

Tap = Callable[[int, int, int, Endpoint, Endpoint, Packet], None]
"""Called with time in ns, sender, receiver (or NOBODY), source, destination and packet, for every packet sent.

Both endpoints are those that the packet bears on its way: the source is the one its receiver sees, also when a box has
put its own for the sender's, and the destination the one the sender knows. On a stream, the source is the sender's own.
"""


class Network:
    """Carry packets between the hosts of one world."""

    def __init__(self, world: World, scenario: Scenario, streams: StreamConfig | None = None) -> None:
        self.lost: Counter[str] = Counter()
        """Packets that did not arrive, by reason."""
        self.bytes_sent: list[int] = [0]
        """Per index, headers included; also of packets that were lost."""
        self.taps: list[Tap] = []
        self._world = world
        self._digest = PacketDigest()
        self._medium = Medium(world, scenario, self._choose_way)
        self.partitions = self._medium.partitions
        self.streams = Streams(self._medium, streams or StreamConfig())
        self.opening = StreamOpening(self._medium, self.streams)
        self._nat_mix = None if scenario.nat is None else NatMix(world, scenario.nat)
        self._placed: dict[int, NatBox | None] = {}
        self._attachments = self._medium.directory.by_endpoint
        self._datagrams = Datagrams(self._medium, self.lost)
        self._arrive = self._datagrams.arrive
        self._short = True
        self._choose_way()
        links = scenario.links
        # Plain numbers: those of a scenario are of classes of their own, which compare more slowly.
        self._loss = float(links.loss)
        self._mtu = int(links.mtu)
        self._jitter = float(scenario.latency.jitter)
        self._jitter_draw = self._medium.jitter_draw
        self._loss_draw = self._medium.loss_draw
        self._one_way_ns = self._medium.one_way_ns

    # hosts

    def attach(
        self,
        endpoint: Endpoint,
        index: int,
        receive: Receive,
        stream_events: StreamEvents | None = None,
        knows_stream: KnowsStream | None = None,
    ) -> None:
        """Connect a host; packets to its UDP endpoint, and over TCP, go to `receive(packet, source)`.

        With `stream_events` (such as its pump) it takes TCP connections to the same port; with `knows_stream`, those
        that it does not know after a while are closed.
        """
        self.place(index)
        self._medium.realms.know(index, endpoint.host)
        self.bytes_sent += [0] * (index + 1 - len(self.bytes_sent))
        attachment = self._medium.directory.add(endpoint, index)
        attachment.receiver = index
        attachment.receive = receive
        attachment.stream_events = stream_events
        attachment.knows_stream = knows_stream
        attachment.answers = True

    def detach(self, endpoint: Endpoint, *, silently: bool = False) -> None:
        """Disconnect a host; what is under way to it vanishes unless it comes back before.

        Its TCP connections are reset by its system; `silently`, its whole machine is gone and says nothing.
        """
        attachment = self._attachments.get(endpoint)
        if attachment is None or attachment.receive is None:
            return
        attachment.receiver = NOBODY
        attachment.receive = attachment.stream_events = attachment.knows_stream = None
        attachment.answers = not silently
        self.streams.crash(attachment, silently)

    def place_behind(self, index: int, box: NatBox | None) -> None:
        """Put a host behind a box, or into the public network; before it is attached.

        Hosts that nobody placed are placed by the scenario's shares when they are attached.
        """
        self._placed[index] = box
        self._medium.realms.place(index, box)
        self._choose_way()

    def place(self, index: int) -> None:
        """Place a host by the scenario's shares, unless it has its place."""
        if index not in self._placed:
            self.place_behind(index, None if self._nat_mix is None else self._nat_mix.box_for(index))

    @property
    def has_boxes(self) -> bool:
        """Tell whether any host is behind a box."""
        return self._medium.realms.has_boxes

    def box_of(self, index: int) -> NatBox | None:
        """Return the box that a host is behind."""
        return self._medium.realms.box_of(index)

    def is_open(self, index: int) -> bool:
        """Tell whether strangers reach a host once it has sent something: no box on the way keeps anybody out."""
        box = self.box_of(index)
        while box is not None:
            if not box.is_open:
                return False
            box = box.behind
        return True

    def readdress(self, box: NatBox, address: str) -> None:
        """Give a box another outer address; its mappings are lost."""
        self._medium.realms.readdress(box, address)

    # packets

    def send(self, packet: Packet, index: int, source: Endpoint, destination: Endpoint) -> None:
        """Send a packet from a host."""
        if not self._short or destination.transport != "udp":
            self._send_long(packet, index, source, destination)
            return
        world = self._world
        size = len(packet) + HEADER_BYTES
        to = self._attachments.get(destination)
        receiver = NOBODY if to is None else to.receiver
        self.bytes_sent[index] += size
        self._digest.add(world.now_ns, index, receiver, packet)
        if self.taps:
            self._tell(packet, index, receiver, source, destination)
        if to is None or receiver == NOBODY:
            self.lost["nobody"] += 1
        elif size > self._mtu:
            self.lost["mtu"] += 1
        elif self._loss and self._loss_draw() < self._loss:
            self.lost["loss"] += 1
        else:
            delay_ns = self._one_way_ns(index, receiver) if index != receiver else SAME_PLACE_NS
            if self._jitter:
                delay_ns += int(delay_ns * self._jitter * self._jitter_draw())
            world.push(world.now_ns + delay_ns, self._arrive, packet, source, to)

    def open_stream(self, index: int, source: Endpoint, destination: Endpoint) -> None:
        """Begin to connect a host over TCP; its stream events tell how it ended."""
        attachment = self._attachments.get(source)
        if attachment is not None and attachment.receive is not None:
            self.opening.open(attachment, destination)

    def close_stream(self, index: int, source: Endpoint, destination: Endpoint) -> None:
        """Close a host's connection with this remote endpoint, if there is one."""
        attachment = self._attachments.get(source)
        if attachment is not None:
            self.streams.close(attachment, destination)

    @property
    def packets(self) -> int:
        """Return how many packets were sent."""
        return self._digest.packets

    @property
    def bytes(self) -> int:
        """Return how many bytes were sent, headers included."""
        return sum(self.bytes_sent)

    def delay_s(self, a: int, b: int) -> float:
        """Return the delay from one host to another, without jitter."""
        return self._medium.delay_ns(a, b) / 1e9

    def digest(self) -> str:
        """Return the digest of all packets sent so far."""
        return self._digest.with_bytes()

    def events_digest(self) -> str:
        """Return the same over time, sender, receiver and size only."""
        return self._digest.without_bytes()

    def _choose_way(self) -> None:
        links, medium = self._medium.links, self._medium
        never_short = links.burst_loss or links.duplicate or links.reorder or links.uplink or links.downlink
        self._short = not (never_short or medium.realms.has_boxes or medium.partitions.active)

    def _note(
        self, packet: Packet, index: int, receiver: int, source: Endpoint, destination: Endpoint, size: int
    ) -> None:
        self.bytes_sent[index] += size
        self._digest.add(self._world.now_ns, index, receiver, packet)
        if self.taps:
            self._tell(packet, index, receiver, source, destination)

    def _tell(
        self, packet: Packet, index: int, receiver: int, source: Endpoint, destination: Endpoint
    ) -> None:
        for tap in self.taps:
            tap(self._world.now_ns, index, receiver, source, destination, packet)

    # the long way

    def _send_long(self, packet: Packet, index: int, source: Endpoint, destination: Endpoint) -> None:
        if destination.transport != "udp":
            self._send_on_stream(packet, index, source, destination)
            return
        realms, now_ns = self._medium.realms, self._world.now_ns
        way = realms.leave(index, source, destination, now_ns)
        holder = None if way is None else realms.holder(way, now_ns)
        to = None if holder is None else self._attachments.get(holder)
        receiver = NOBODY if to is None else to.receiver
        seen = source if way is None else way.source
        self._note(packet, index, receiver, seen, destination, len(packet) + HEADER_BYTES)
        if way is None:
            self.lost["nat"] += 1
        elif way.enters is None and receiver == NOBODY:
            self.lost["nobody"] += 1
        else:
            self._datagrams.send(packet, index, to, way)

    def _send_on_stream(self, packet: Packet, index: int, source: Endpoint, destination: Endpoint) -> None:
        attachment = self._attachments.get(source)
        end = None if attachment is None else attachment.streams.get(destination)
        receiver = NOBODY if end is None or end.peer is None else end.peer.index
        self._note(packet, index, receiver, source, destination, bytes_on_wire(len(packet)))
        if attachment is None or not self.streams.send(attachment, packet, destination):
            self.lost["no stream"] += 1
