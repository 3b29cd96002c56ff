"""The router's clock, which tells whether it has forgotten everything since it was asked last."""

from __future__ import annotations

SLACK_S = 2
"""Seconds by which rounding and the way may change a difference (RFC 6887, section 8.5)."""

DRIFT_SHARE = 1 / 16
"""Share by which two clocks may differ (the same)."""


class Epoch:
    """Compare the router's seconds with ours."""

    __slots__ = ("_at", "_epoch_s")

    def __init__(self) -> None:
        self._epoch_s = -1
        self._at = 0.0

    def goes_on(self, epoch_s: int, now: float) -> bool:
        """Take the router's word; false when it must have begun anew and lost its mappings."""
        before_s, ours_s = self._epoch_s, now - self._at
        self._epoch_s, self._at = epoch_s, now
        if before_s < 0:
            return True
        theirs_s = epoch_s - before_s
        if theirs_s < -1:
            return False
        too_much = ours_s + SLACK_S < theirs_s - theirs_s * DRIFT_SHARE
        too_little = theirs_s + SLACK_S < ours_s - ours_s * DRIFT_SHARE
        return not (too_much or too_little)
