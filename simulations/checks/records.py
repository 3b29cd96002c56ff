"""What a reader is given was signed by its owner, is not over, and is not older than what it holds itself.

The truth is not the reader's own check of the signature: the owner, a host of the run, signs the same content once
more, and the result must be the same (Ed25519 is deterministic). When a version was signed is noted as it is signed. A
holder that lies about the age of a record keeps it in the world for longer than its owner wanted; nothing in one answer
shows that to a reader, so where somebody hostile is about it is counted (`overdue`) and not judged.
"""

from __future__ import annotations

from ...dht.get import GetResult
from ...wire.record import Record
from ..host import Host
from ..stage import Stage
from ..workload.publishing import Value
from .check import Check
from .truth import Truth

UNDER_WAY_S = 60.0
"""How much a record may outlive its life: holders count from receipt, and each hand-over may take its retries."""


class TrueRecords(Check):
    """Signed by its owner."""

    name = "true-records"
    about = "a reader is never given a record that its owner did not sign as it is"

    def __init__(self, stage: Stage, truth: Truth) -> None:
        super().__init__(stage, truth)
        stage.workload.on_get.append(self._got)

    def look_at(self, host: Host, now_s: float) -> None:
        """Look at what a holder would serve."""
        for held in host.overlay.dht.store:
            if not self._is_true(held.record):
                self.violated(host.index, f"its store holds {held.record}, which its owner never signed")
                return

    def _got(self, host: Host, value: Value, result: GetResult) -> None:
        named = not self.stage.workload.gets_want
        for record in result.records:
            if record.key != value.key or (named and record.owner != value.owner):
                self.violated(host.index, f"it asked for something else and was given {record}")
            elif not self._is_true(record):
                self.violated(host.index, f"it was given {record}, which its owner never signed")

    def _is_true(self, record: Record) -> bool:
        owner = self.stage.population.by_node_id.get(record.owner.node_id)
        if owner is None:
            return False
        again = Record.create(
            owner.identity, record.key, record.value, sequence=record.sequence, ttl_s=record.ttl_s
        )
        return again.signature == record.signature


class FreshRecords(Check):
    """Neither over nor rolled back."""

    name = "fresh-records"
    about = "a reader is never given a record whose life is over, or one older than it holds itself"

    def __init__(self, stage: Stage, truth: Truth) -> None:
        super().__init__(stage, truth)
        self.overdue = 0
        """Records that came from somebody hostile after their life."""
        stage.workload.on_get.append(self._got)

    def look_at(self, host: Host, now_s: float) -> None:
        """Look at what a holder would serve."""
        now = host.clock.now()
        store = host.overlay.dht.store
        store.expire(now)
        for held in store:
            life_s = min(held.record.ttl_s, host.overlay.config.dht.record_ttl_s_max)
            if held.expires_at > held.born_at + life_s or held.expires_at <= now:
                self.violated(host.index, f"its store holds {held.record} for longer than it lives")
                return

    def _got(self, host: Host, value: Value, result: GetResult) -> None:
        for record in (record for record in result.records if record.owner == value.owner):
            held = host.overlay.dht.store.find(record.key, record.owner) if host.up else None
            if held is not None and held.record.sequence > record.sequence:
                self.violated(host.index, f"it was given {record} and holds sequence {held.record.sequence}")
            signed_at_s = value.signed_at_s(record.sequence)
            over_s = self.stage.world.now() - signed_at_s - record.ttl_s - UNDER_WAY_S
            if over_s > 0 and not self._is_hostile(result):
                self.violated(host.index, f"it was given {record}, whose life is over for {over_s:.0f} s")
            self.overdue += over_s > 0

    def _is_hostile(self, result: GetResult) -> bool:
        """Tell whether the record came from somebody who may lie about its age, or may have passed through one."""
        return bool(self.stage.adversaries) and result.source is not None
