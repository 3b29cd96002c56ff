"""Sessions with peers that are dead end, soon enough: a few probes after the longest silence that is allowed."""

from __future__ import annotations

from ...node.overlay.config import OverlayConfig
from ...node.overlay.line import ANSWERER_PATIENCE
from ..host import Host
from .check import Check
from .dead_contacts import SLACK


class DeadSessions(Check):
    """Ended in time."""

    name = "dead-sessions"
    about = "a session whose peer is dead ends within the silence and the probes that are configured"

    def look_at(self, host: Host, now_s: float) -> None:
        """Find lines to nobody."""
        allowed_s = self.truth.asleep_s + SLACK * ends_within_s(host.overlay.config)
        for line in host.overlay.lines.by_local_id.values():
            away_s = self.truth.departures.away_s(line.node_id, now_s)
            if away_s > allowed_s:
                self.violated(
                    host.index,
                    f"the session with {line.node_id.short} lives on {away_s:.0f} s after its peer died; "
                    f"it should have ended after {allowed_s:.0f} s",
                )
                return


def ends_within_s(config: OverlayConfig) -> float:
    """Return how long a session may go on without a peer."""
    silence_s = max(config.quiet_keepalive_s, config.keepalive_s) * ANSWERER_PATIENCE
    return silence_s + (config.probes_max + 1) * config.probe_interval_s
