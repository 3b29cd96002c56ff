"""What every packet meets, of UDP and of TCP: distance, loss, lines of limited bandwidth, boxes, partitions."""

from __future__ import annotations

from collections.abc import Callable

from ..scenario.schema import Scenario
from ..world import World
from .attachment import Directory
from .delays import SAME_PLACE_NS, delays_of
from .links import Bursts, Queues
from .partitions import Partitions
from .realms import Realms


class Medium:
    """Hold the parts of a network, each built only when the scenario asks for it.

    Every part draws from a stream of its own, and what is off draws nothing: switching one on shifts no other.
    """

    def __init__(self, world: World, scenario: Scenario, on_partition: Callable[[], None]) -> None:
        links = scenario.links
        self.world = world
        self.links = links
        self.jitter = scenario.latency.jitter
        self.directory = Directory()
        self.realms = Realms()
        self.partitions = Partitions(world, on_partition)
        self.one_way_ns = delays_of(world, scenario.latency).one_way_ns
        self.uplinks = Queues(links.uplink, links.queue) if links.uplink else None
        self.downlinks = Queues(links.downlink, links.queue) if links.downlink else None
        self.bursts: Bursts | None = None
        if links.burst_loss:
            self.bursts = Bursts(links.burst_loss, links.burst_packets, world.random(0, "bursts"))
        self.loss_draw = world.random(0, "loss").random
        self.jitter_draw = world.random(0, "jitter").random
        self._reorder_draw = world.random(0, "reorder").random
        self._duplicate_draw = world.random(0, "duplicate").random

    def delay_ns(self, a: int, b: int) -> int:
        """Return how far it is from one node to another, wherever they are behind boxes."""
        realms = self.realms
        return self.distance_ns(realms.site(a), realms.site(b))

    def distance_ns(self, a_site: int, b_site: int) -> int:
        """Return how far it is from one place to another."""
        return SAME_PLACE_NS if a_site == b_site else self.one_way_ns(a_site, b_site)

    def spread_ns(self, delay_ns: int) -> int:
        """Return how long one packet takes over a distance: with jitter."""
        if not self.jitter:
            return delay_ns
        return delay_ns + int(delay_ns * self.jitter * self.jitter_draw())

    def loses(self, sender: int) -> str | None:
        """Tell why the next packet of a sender is lost on its way, or None when it is not."""
        links = self.links
        if links.loss and self.loss_draw() < links.loss:
            return "loss"
        if self.bursts is not None and self.bursts.loses(sender):
            return "burst"
        return None

    def reorders(self) -> float:
        """Return by how much a packet falls back, as a share of its delay; mostly 0."""
        reorder = self.links.reorder
        if not reorder or self._reorder_draw() >= reorder:
            return 0.0
        return self._reorder_draw()

    def duplicates(self) -> bool:
        """Tell whether a packet arrives twice."""
        duplicate = self.links.duplicate
        return bool(duplicate) and self._duplicate_draw() < duplicate
