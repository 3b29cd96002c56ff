"""Nothing that grows by what others send grows over its limit."""

from __future__ import annotations

from ..host import Host
from .check import Check
from .inside import amounts


class Caps(Check):
    """Tables, queues and caches within their limits."""

    name = "caps"
    about = "every table, queue and cache of a node stays within its limit"

    def look_at(self, host: Host, now_s: float) -> None:
        """Count everything that one host holds."""
        for what, size, limit in amounts(host.overlay):
            if size > limit:
                self.violated(host.index, f"{size} {what} where at most {limit} may be")
                return
