"""When a node that is short of contacts asks its sources again (peers by hand, registries, saved contacts).

    contacts                     asked again
    enough (half a bucket)       never
    none                         after rejoin_s, doubling up to rejoin_max_s
    few, and half of them gone   at once
    few, and no more than that   after rejoin_max_s, doubling up to reseed_max_s

A network of five nodes is short of contacts for good, and must not besiege its registry; a node that lost most of a
large one is about to be alone. The number that was there when it last asked tells the two apart.
"""

from __future__ import annotations

from .config import NodeConfig


class Reseeding:
    """Say when to ask; `enough` is the number of contacts from which on nothing is amiss."""

    __slots__ = ("_asked_at", "_config", "_enough", "_known", "_pause_s")

    def __init__(self, config: NodeConfig, enough: int, now: float) -> None:
        self._config = config
        self._enough = enough
        self._known = 0
        """Contacts when the sources were last asked, or as many as there were since if that was enough."""
        self._pause_s = config.rejoin_s
        self._asked_at = now

    def is_due(self, contacts: int, now: float) -> bool:
        """Look at the number of contacts; True when the sources should be asked now."""
        config = self._config
        if contacts >= self._enough:
            self._known = contacts
            self._pause_s = config.rejoin_s
            return False
        least_s, most_s = self._pauses_s(contacts)
        if self._known and contacts <= self._known / 2:
            self._pause_s = least_s
            return now - self._asked_at >= config.rejoin_s
        self._pause_s = min(max(self._pause_s, least_s), most_s)
        return now - self._asked_at >= self._pause_s

    def asked(self, contacts: int, now: float) -> None:
        """Note that the sources are asked while there are so many contacts."""
        self._known = contacts
        self._asked_at = now
        self._pause_s *= 2

    def _pauses_s(self, contacts: int) -> tuple[float, float]:
        config = self._config
        if contacts == 0:
            return config.rejoin_s, config.rejoin_max_s
        return config.rejoin_max_s, config.reseed_max_s
