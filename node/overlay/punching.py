"""Lines that go through a relay, and the attempts to do without it.

A knock is a path challenge of the line's own session: only the peer can answer it, and the answer moves the session.
What is under way through the relay arrives, too; the lanes put it in order.
"""

from __future__ import annotations

from ...nat.punch import Punch, PunchConfig
from ...wire.endpoint import RELAY, Endpoint
from .line import Line
from .lines import LineTable


class Punching:
    """Knock for all lines that a relay carries."""

    def __init__(self, config: PunchConfig, lines: LineTable) -> None:
        self._config = config
        self._lines = lines
        self._punches: dict[int, Punch] = {}

    def start(self, line: Line, targets: list[Endpoint], now: float) -> None:
        """Begin to knock for a line, or knock at more places."""
        punch = self._punches.get(line.session.local_id)
        if punch is None:
            self._punches[line.session.local_id] = Punch(self._config, targets, now)
        else:
            for target in targets:
                punch.add(target, now)

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` is due."""
        return min((punch.next_timeout() for punch in self._punches.values()), default=None)

    def handle_timeout(self, now: float) -> None:
        """Knock where it is time, and leave lines that went direct or ended."""
        for local_id, punch in list(self._punches.items()):
            line = self._lines.by_local_id.get(local_id)
            if line is None or line.session.path.transport != RELAY:
                del self._punches[local_id]
                continue
            for target in punch.knock(now):
                line.session.probe(target, now)
            self._lines.mark(line)
