"""The phases of a run, in virtual time: the start, the settling, and what is measured.

0 ................ settles_from_s    hosts come
settles_from_s ... measured_from_s   values are put in the first part of it, tables fill
measured_from_s .. end_s             the workload runs until `asks_until_s`, and everything else happens
"""

from __future__ import annotations

from dataclasses import dataclass

from ..population.arrivals import join_over_s
from ..scenario.schema import Scenario

SAMPLES = 200
"""How often population and traffic are noted while measuring."""

LAST_S = 5.0
"""Operations that would begin later than so long before the end could not finish."""

LAST_SHARE = 0.25
"""In a short run they may begin later than that: it must measure something."""

PUT_SHARE = 0.5
"""Values are put in this part of the settling; the rest is for them to get where they belong."""


@dataclass(frozen=True, slots=True)
class Phases:
    """When what begins."""

    settles_from_s: float
    put_over_s: float
    measured_from_s: float
    asks_until_s: float
    end_s: float

    @classmethod
    def of(cls, scenario: Scenario) -> Phases:
        """Return those of a scenario."""
        settles_from_s = join_over_s(scenario.population)
        measured_from_s = settles_from_s + scenario.settle
        end_s = measured_from_s + scenario.duration
        return cls(
            settles_from_s,
            PUT_SHARE * scenario.settle,
            measured_from_s,
            end_s - min(LAST_S, LAST_SHARE * scenario.duration),
            end_s,
        )
