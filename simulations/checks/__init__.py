"""Invariants: what must hold all the time, looked at while a run goes on."""

from __future__ import annotations

from ...wire.errors import ConfigError
from ..stage import Stage
from .amplification import Amplification
from .caps import Caps
from .check import Check
from .convergence import Convergence
from .dead_contacts import DeadContacts
from .dead_sessions import DeadSessions
from .neighbourhood import Neighbourhood
from .records import FreshRecords, TrueRecords
from .true_contacts import TrueContacts
from .truth import Truth

ALL = "all"

CHECKS: tuple[type[Check], ...] = (
    TrueRecords,
    FreshRecords,
    TrueContacts,
    DeadContacts,
    DeadSessions,
    Caps,
    Amplification,
    Neighbourhood,
    Convergence,
)


INVARIANTS = {check.name: check.about for check in CHECKS}
"""The name of each invariant with what holds, in a line."""


def build_checks(stage: Stage) -> list[Check]:
    """Return the checks that a scenario asks for; raises ConfigError for a name that none has."""
    wanted = stage.scenario.checks.invariants
    for name in wanted:
        if name != ALL and name not in INVARIANTS:
            raise ConfigError(
                "checks.invariants", f"there is no {name!r}", f"one of: {', '.join(INVARIANTS)}"
            )
    chosen = [check for check in CHECKS if ALL in wanted or check.name in wanted]
    truth = Truth(stage)
    return [check(stage, truth) for check in chosen]
