"""Standing of peers: who gave answers that no honest node gives, and how long that is held against it.

Each fault costs a peer `forgiven_s` of waiting, and with more than `faults_max` times that to wait its standing is low
(a token bucket, as the generic cell rate algorithm of ITU-T I.371 keeps it: one number a peer). A peer of low standing
is asked only when nobody else is known, is in no table, and its records are dropped before their signatures cost
anything. So what one identity can make us verify in vain is bounded too.

A fault is what its sender alone can have done: bytes that are no message, an answer of another kind or to a question
that another was asked, a record that its owner did not sign, and contacts of which many were called and none is there.
Silence is none, and neither is a late answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from ..wire.contact import Contact
from ..wire.identity import NodeId
from .config import DhtConfig


class Standings:
    """The faults of a bounded number of peers, counted by reason in `faults`."""

    __slots__ = ("_config", "_forgiven_at", "faults", "on_low")

    def __init__(self, config: DhtConfig) -> None:
        self.on_low: Callable[[NodeId], object] = lambda node_id: None
        """Told of each fault that leaves its peer with a low standing."""
        self._config = config
        self.faults: Counter[str] = Counter()
        self._forgiven_at: dict[NodeId, float] = {}

    def __len__(self) -> int:
        return len(self._forgiven_at)

    def blame(self, node_id: NodeId, reason: str, now: float) -> None:
        """Note a fault; of too many peers with faults the one whose last is longest ago is forgiven."""
        self.faults[reason] += 1
        forgiven_s = self._config.forgiven_s
        begin = max(now, self._forgiven_at.pop(node_id, now))
        latest = now + 2 * self._config.faults_max * forgiven_s
        self._forgiven_at[node_id] = min(begin + forgiven_s, latest)
        if len(self._forgiven_at) > self._config.blamed_max:
            del self._forgiven_at[next(iter(self._forgiven_at))]
        if self.is_low(node_id, now):
            self.on_low(node_id)

    def is_low(self, node_id: NodeId, now: float) -> bool:
        """Tell whether a peer has more faults than are forgiven."""
        config, forgiven_at = self._config, self._forgiven_at.get(node_id)
        return forgiven_at is not None and forgiven_at - now > config.faults_max * config.forgiven_s

    def without_low(self, contacts: list[Contact], now: float) -> list[Contact]:
        """Return those contacts whose standing is not low."""
        if not self._forgiven_at:
            return contacts
        return [contact for contact in contacts if not self.is_low(contact.node_id, now)]

    def refuses(self, node_id: NodeId, now: float) -> bool:
        """Tell, and count, that a record of this peer is to be dropped unverified."""
        refused = self.is_low(node_id, now)
        if refused:
            self.faults["record of a peer of low standing"] += 1
        return refused
