"""The long way of a datagram: over a line with a queue, through losses and partitions, and in through boxes."""

from __future__ import annotations

from collections import Counter

from ...wire.endpoint import Endpoint
from .attachment import Attachment
from .medium import Medium
from .partitions import Passage
from .realms import Way

HEADER_BYTES = 28
"""IPv4 and UDP headers, counted with every datagram: that is what a line carries."""


class Datagrams:
    """Bring datagrams to where they go, and count by reason what is lost."""

    def __init__(self, medium: Medium, lost: Counter[str]) -> None:
        self._medium = medium
        self._lost = lost

    def send(self, packet: bytes, index: int, to: Attachment | None, way: Way) -> None:
        """Send a packet that its own boxes have let out; `to` is who would get it now, if anybody."""
        medium, now_ns = self._medium, self._medium.world.now_ns
        size = len(packet) + HEADER_BYTES
        if size > medium.links.mtu:
            self._lost["mtu"] += 1
            return
        leaves_ns = now_ns if medium.uplinks is None else medium.uplinks.passes_at(index, size, now_ns)
        reason = "uplink" if leaves_ns is None else medium.loses(index)
        if leaves_ns is None or reason is not None:
            self._lost[reason or "uplink"] += 1
            return
        site = medium.realms.site_at_end(way, to)
        receiver = site if to is None else to.index
        passage = medium.partitions.passage(index, receiver)
        if passage is Passage.CUT:
            self._lost["partition"] += 1
        elif passage is Passage.OPEN:
            self._send_far(packet, way, to, leaves_ns, medium.distance_ns(medium.realms.site(index), site))
        elif not medium.partitions.hold(index, receiver, self._come_in, packet, way, to):
            self._lost["clog"] += 1

    def _send_far(
        self, packet: bytes, way: Way, to: Attachment | None, leaves_ns: int, distance_ns: int
    ) -> None:
        medium = self._medium
        late_ns = int(distance_ns * medium.reorders())
        arrives_ns = leaves_ns + medium.spread_ns(distance_ns) + late_ns
        medium.world.push(arrives_ns, self._come_in, packet, way, to)
        if medium.duplicates():
            arrives_ns = leaves_ns + medium.spread_ns(distance_ns)
            medium.world.push(arrives_ns, self._come_in, packet, way, to)

    def _come_in(self, packet: bytes, way: Way, to: Attachment | None) -> None:
        now_ns = self._medium.world.now_ns
        if way.enters is not None:
            endpoint = self._medium.realms.enter(way, now_ns)
            to = None if endpoint is None else self._medium.directory.by_endpoint.get(endpoint)
        downlinks = self._medium.downlinks
        if to is None:
            self._lost["nat"] += 1
        elif downlinks is None:
            self.arrive(packet, way.source, to)
        else:
            at_ns = downlinks.passes_at(to.index, len(packet) + HEADER_BYTES, now_ns)
            if at_ns is None:
                self._lost["downlink"] += 1
            else:
                self._medium.world.push(at_ns, self.arrive, packet, way.source, to)

    def arrive(self, packet: bytes, source: Endpoint, to: Attachment) -> None:
        """Hand a packet to its host, if it is up."""
        if to.receive is None:
            self._lost["nobody"] += 1
        else:
            to.receive(packet, source)
