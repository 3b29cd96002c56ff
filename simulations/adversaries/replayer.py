"""Replayer: somebody on the path who keeps packets and sends them again: at once and later, shuffled, from elsewhere.

It can read nothing and change nothing that would open; what it has is what really went by. Half of the packets keep
their source address, half come from the replayer's own.
"""

from __future__ import annotations

from collections import deque

from ...wire.endpoint import Endpoint
from ..host import Host
from .adversary import Adversary

KEPT = 2048
"""Packets it remembers, the latest ones: some milliseconds to some minutes old, by how much goes by."""

KEEP_ONE_IN = 4
"""One packet of so many is kept, so that what is kept covers more time."""

Kept = tuple[Endpoint, Endpoint, bytes]


class Replayer(Adversary):
    """Send what went by once more."""

    def prepare(self) -> None:
        """Begin to listen."""
        self._kept: deque[Kept] = deque(maxlen=KEPT)
        self._passed = 0
        self.replayed = 0
        self._own: dict[int, Host] = {}
        self.stage.network.taps.append(self._overhear)

    def equip(self, host: Host) -> None:
        """Begin to send."""
        self._own[host.index] = host
        self.every(1 / self.spec.packets_per_s, host, self._replay)

    def _overhear(
        self, now_ns: int, sender: int, receiver: int, source: Endpoint, destination: Endpoint, packet: bytes
    ) -> None:
        self._passed += 1
        if self._passed % KEEP_ONE_IN == 0 and sender not in self._own:
            self._kept.append((source, destination, packet))

    def _replay(self, host: Host) -> None:
        if not self._kept:
            return
        source, destination, packet = self._kept[self.random.randrange(len(self._kept))]
        self.replayed += 1
        if self.replayed % 2:
            source = host.endpoint
        if source != destination:
            self.stage.network.send(packet, host.index, source, destination)
