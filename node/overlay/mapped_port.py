"""The port that a router says it opened: it counts once a stranger's packet came in through it.

A router behind another box, or behind a carrier's, opens a port that leads nowhere; and some say that they opened one.
"""

from __future__ import annotations

from collections.abc import Callable

from ...nat.behaviour import Filtering
from ...nat.dialback import DialBack, DialBackConfig
from ...nat.observations import Observations
from ...wire.endpoint import PUBLIC, Endpoint


class MappedPort:
    """Judge what the router gave by what peers see and what strangers reach."""

    def __init__(
        self, config: DialBackConfig, entropy: Callable[[int], bytes], observations: Observations
    ) -> None:
        self._config = config
        self._entropy = entropy
        self._observations = observations
        self._test: DialBack | None = None
        self.given: Endpoint | None = None
        """What the router gave, by its own word."""
        self.on_result: Callable[[float], None] = lambda now: None
        """Told when the port begins or ends to count."""
        self.on_shut: Callable[[], None] = lambda: None
        """Told when nobody gets in: the router may have forgotten the port."""

    @property
    def verified(self) -> Endpoint | None:
        """The endpoint at which strangers get in."""
        return self.given if self.given is not None and not self.doubt else None

    @property
    def test(self) -> DialBack | None:
        """The test of the port; None while there is none, or no sense in one."""
        given = self.given
        if given is None or self._test is None or given.scope != PUBLIC:
            return None
        return self._test if given.host in self._seen_at(given) else None

    @property
    def doubt(self) -> str:
        """Why the port does not count, in a few words; empty when it does."""
        given = self.given
        if given is None or self._test is None:
            return "no port was given"
        if given.scope != PUBLIC:
            return f"the router is behind another one: its outer address {given.host} is private"
        seen_at = self._seen_at(given)
        if not seen_at:
            return "not tested: no peer sees this node from outside yet"
        if given.host not in seen_at:
            return f"the router is behind another one: it has {given.host}, peers see {seen_at[0]}"
        return {
            Filtering.ENDPOINT_INDEPENDENT: "",
            Filtering.DEPENDENT: "no stranger's packet came in through it",
            Filtering.UNKNOWN: "not tested yet",
        }[self._test.filtering]

    def give(self, endpoint: Endpoint | None, now: float) -> None:
        """Take what the router gave, None when it gives nothing any more; the same again changes nothing."""
        if endpoint == self.given:
            return
        lost = self.verified is not None
        self.given = endpoint
        self._test = None if endpoint is None else DialBack(self._config, self._entropy, endpoint.port)
        if self._test is not None:
            self._test.on_result = self._judged
        if lost:
            self.on_result(now)

    def _judged(self, now: float) -> None:
        if self._test is not None and self._test.filtering is Filtering.DEPENDENT:
            self.on_shut()
            self._test.forget()
        self.on_result(now)

    def _seen_at(self, given: Endpoint) -> list[str]:
        """Return the public addresses of the same family that peers see this node at, the most agreed first."""
        seen = self._observations.endpoints()
        return [each.host for each in seen if each.scope == PUBLIC and each.family == given.family]
