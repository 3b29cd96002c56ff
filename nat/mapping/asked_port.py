"""One port on its way to being mapped: asked for, granted, renewed, given back."""

from __future__ import annotations

from .config import MappingConfig
from .lease import Lease

NEVER = float("inf")


class AskedPort:
    """Keep the time for one transport's port; its owner writes and reads the packets."""

    __slots__ = ("_config", "_sent", "due_at", "lease", "refusal", "returned", "transport")

    def __init__(self, transport: str, config: MappingConfig, now: float) -> None:
        self.transport = transport
        self.due_at = now
        """When to ask next."""
        self.lease: Lease | None = None
        self.refusal = ""
        """Why there is no lease."""
        self.returned = False
        """It is to be given back, and was if nothing is due any more."""
        self._config = config
        self._sent = 0

    def sent(self, now: float) -> bool:
        """Note that the router was asked; false when it was asked often enough and did not answer."""
        pauses_s = self._config.resend_s
        if self._sent == len(pauses_s):
            self._unanswered(now)
            return False
        self.due_at = now + pauses_s[self._sent]
        self._sent += 1
        return True

    def granted(self, external_port: int, life_s: int, now: float) -> None:
        """Take a mapping or its renewal."""
        self.lease = Lease(self.transport, external_port, life_s, now + life_s)
        self.refusal = ""
        self._again_at(now + max(life_s * self._config.renew_share, self._config.renew_s_min))

    def refused(self, why: str) -> None:
        """Ask no more."""
        self.lease, self.refusal, self.due_at = None, why, NEVER

    def renew(self, now: float) -> None:
        """Ask again at once: the router may have forgotten."""
        self._again_at(now)

    def give_back(self, now: float) -> None:
        """Ask for the end of the mapping, if there is one."""
        self.returned = True
        self._again_at(now if self.lease is not None else NEVER)

    def ended(self) -> None:
        """Take note that the mapping was given back."""
        self.lease = None
        self._again_at(NEVER)

    def _again_at(self, when: float) -> None:
        self.due_at, self._sent = when, 0

    def _unanswered(self, now: float) -> None:
        """Try again in half of the time that is left, as long as the mapping lives."""
        left_s = self.lease.ends_at - now if self.lease is not None and not self.returned else 0.0
        if left_s > 0:
            self._again_at(now + max(left_s / 2, min(left_s, self._config.renew_s_min)))
        else:
            self.refused("no answer")
