"""All sessions of a node: found by connection id and by peer, bounded, timed, and drained of what they want to send.

A peer has one line in use. A newer line replaces it, and the old one drains: what the peer had still in flight on it is
read, then it is closed for idleness. When both sides call each other at the same moment, the call of the lower node id
stands on both, so that they do not end up each on the other's leaving line.
"""

from __future__ import annotations

from collections import OrderedDict

from ...wire.endpoint import Endpoint
from ...wire.identity import NodeId
from .config import OverlayConfig
from .deadlines import Deadlines
from .line import Line


class LineTable:
    """Hold the lines of one node."""

    def __init__(self, own_id: NodeId, config: OverlayConfig) -> None:
        self._own_id = own_id
        self._config = config
        self.by_local_id: dict[int, Line] = {}
        self.by_remote_id: dict[int, Line] = {}
        self._by_node_id: OrderedDict[NodeId, Line] = OrderedDict()
        self.deadlines: Deadlines[Line] = Deadlines()
        self._ready: list[Line] = []
        self._packets: list[tuple[bytes, Endpoint]] = []

    def __len__(self) -> int:
        return len(self._by_node_id)

    def find(self, node_id: NodeId) -> Line | None:
        """Return the line in use to a peer."""
        return self._by_node_id.get(node_id)

    def current(self) -> list[Line]:
        """Return the line in use to each peer."""
        return list(self._by_node_id.values())

    def add(self, line: Line) -> bool:
        """Take in a line; true when its peer had none before."""
        self.by_local_id[line.session.local_id] = line
        self.by_remote_id[line.session.remote_id] = line
        old = self._by_node_id.get(line.node_id)
        if old is None:
            self._by_node_id[line.node_id] = line
        elif self._stands_over(line, old):
            old.replaced = True
            self._by_node_id[line.node_id] = line
        else:
            line.replaced = True
        self.mark(line)
        return old is None

    def remove(self, line: Line) -> bool:
        """Forget a line; true when its peer has none left."""
        self.by_local_id.pop(line.session.local_id, None)
        self.by_remote_id.pop(line.session.remote_id, None)
        self.deadlines.forget(line)
        if self._by_node_id.get(line.node_id) is not line:
            return False
        del self._by_node_id[line.node_id]
        return True

    def take_excess(self, newest: Line) -> Line | None:
        """Return the line to close for the newest: whose last use is longest ago; None while there is room."""
        if len(self.by_local_id) <= self._config.lines_max:
            return None
        others = [line for line in self.by_local_id.values() if line is not newest]
        return min(others, default=None, key=lambda line: (not line.replaced, line.last_use))

    def mark(self, line: Line) -> None:
        """Note that the line may have something to send and that its deadline may have moved."""
        if not line.ready:
            line.ready = True
            self._ready.append(line)

    def send_rpc(self, line: Line, payload: bytes, now: float) -> None:
        """Send a request or answer: sealed at once where it goes alone, else with what else the line wants to send."""
        packet = line.session.send_rpc_alone(payload, now)
        if packet is not None:
            self._packets.append(packet)
        else:
            line.session.send_rpc(payload)
            self.mark(line)

    def take_packets(self, now: float) -> list[tuple[bytes, Endpoint]]:
        """Return what was sealed and what all marked lines want to send."""
        packets, self._packets = self._packets, []
        while self._ready:
            ready, self._ready = self._ready, []
            for line in ready:
                line.ready = False
                packets += line.session.take_packets(now)
                if line.armed is None or line.session.closed is None:
                    self.deadlines.arm(line)
        return packets

    @property
    def has_ready(self) -> bool:
        """Tell whether there may be something to take."""
        return bool(self._packets or self._ready)

    def _stands_over(self, new: Line, old: Line) -> bool:
        simultaneous = (
            new.initiated != old.initiated and new.opened - old.opened < self._config.dial_timeout_s
        )
        return new.initiated == (self._own_id < new.node_id) if simultaneous else True
