"""Many lookups in lock-step: in each step every lookup that still runs lives through its own next event.

    event                                          what follows, as in dht/search.py
    an answer arrives                              its contacts become candidates; the search may go wide
    a request is given up                          its peer leaves the search
    a request is late                              its peer counts as slow, its slot is free
    nobody answered for as long as a hedge waits   the peer waited for longest counts as slow

Then everybody is asked who may be asked. Each lookup has a clock of its own, so the order of events, and with it the
depth at which a node is found, is that of the real search.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .candidates import ANSWERED, FAILED, NEVER, SLOW, WAITING, Candidates, Mask
from .mixing import Floats, Numbers
from .round_trips import RoundTrips
from .rules import LookupRules
from .space import Ranks
from .tables import Named, Tables, Targets


@dataclass(frozen=True, slots=True)
class Found:
    """What lookups came to, a place each."""

    ranks: Ranks
    """Of the nearest that answered, in order; -1 behind the last."""
    depths: NDArray[np.uint8]
    requests: Ranks
    took_s: Floats


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all lookups of a run have in common."""

    rules: LookupRules
    tables: Tables
    round_trips: RoundTrips
    dead: Mask


class Lookups:
    """Run a batch: from `sources` to `targets`; a search goes wide within `radius` of its target."""

    def __init__(
        self, around: Surroundings, sources: Ranks, targets: Targets, radius: Numbers, serials: Numbers
    ) -> None:
        self._around = around
        self._rules = around.rules
        self._sources = sources
        self._targets = targets
        self._radius = radius
        self._serials = serials
        size = len(sources)
        self._places = np.arange(size)
        self._now = np.zeros(size)
        self._quiet_since = np.zeros(size)
        self._quiet_s = np.full(size, self._rules.hedge_s)
        self._asked = np.zeros(size, np.int64)
        self._wide = np.zeros(size, np.bool_)
        self._candidates = Candidates(size)
        self._found = Found(
            np.full((size, self._rules.count), -1),
            np.zeros(size, np.uint8),
            np.zeros(size, np.int64),
            np.zeros(size),
        )

    def run(self, seeds: Named) -> Found:
        """Run all to their end, from whom each knows at its start."""
        size = len(self._places)
        self._candidates.add(self._places, seeds, np.ones(size, np.uint8))
        self._wide = self._candidates.distances[:, 0] <= self._radius
        self._ask()
        while len(self._places):
            self._leave(self._ended())
            self._step()
        return self._found

    def _ended(self) -> Mask:
        finished = self._candidates.finished(self._rules.count, self._asked >= self._rules.requests_max)
        return finished | (self._now >= self._rules.timeout_s)

    def _leave(self, ended: Mask) -> None:
        """Write down what has ended, and go on with the rest."""
        if not ended.any():
            return
        candidates, found, places = self._candidates, self._found, self._places[ended]
        result, found.depths[places] = candidates.nearest_answered(ended, self._rules.count)
        found.requests[places] = self._asked[ended]
        found.took_s[places] = np.minimum(self._now[ended], self._rules.timeout_s)
        rows, columns = np.nonzero(result)
        order = np.cumsum(result, axis=1)[rows, columns] - 1
        found.ranks[places[rows], order] = candidates.ranks[ended][rows, columns]
        going = ~ended
        candidates.take(going)
        self._targets = self._targets.take(np.flatnonzero(going))
        for field in ROW_FIELDS:
            setattr(self, field, getattr(self, field)[going])

    def _step(self) -> None:
        """Let each lookup live through its next event."""
        candidates = self._candidates
        rows = np.arange(len(self._places))
        due_column = np.argmin(candidates.due_at, axis=1)
        due_at = candidates.due_at[rows, due_column]
        waiting_since = np.where(candidates.states == WAITING, candidates.asked_at, NEVER)
        longest = np.argmin(waiting_since, axis=1)
        late_at = waiting_since[rows, longest] + self._rules.slow_s
        quiet_at = self._quiet_since + self._quiet_s
        self._now = np.minimum(np.minimum(due_at, late_at), quiet_at)
        due = due_at <= self._now
        quiet = ~due & (quiet_at <= self._now)
        self._hedge(quiet)
        late = ~due & np.isfinite(waiting_since[rows, longest])
        candidates.states[rows[late], longest[late]] = SLOW
        self._take_answers(rows[due], due_column[due])
        self._ask()

    def _hedge(self, quiet: Mask) -> None:
        self._quiet_since[quiet] = self._now[quiet]
        self._quiet_s[quiet] *= 2

    def _take_answers(self, rows: Ranks, columns: Ranks) -> None:
        candidates = self._candidates
        given_up = self._given_up_at(rows, columns) <= candidates.due_at[rows, columns]
        candidates.due_at[rows, columns] = NEVER
        candidates.states[rows, columns] = np.where(given_up, FAILED, ANSWERED)
        rows, columns = rows[~given_up], columns[~given_up]
        if not len(rows):
            return
        self._quiet_since[rows] = self._now[rows]
        near = candidates.distances[rows, columns] <= self._radius[rows]
        peers = candidates.ranks[rows, columns].astype(np.int64)
        sources = self._sources[rows]
        ranks, distances = self._around.tables.named(self._targets.take(rows), peers, sources)
        candidates.add(rows, (ranks, distances), candidates.depths[rows, columns] + np.uint8(1))
        self._wide[rows] |= near | candidates.nearest_has_answered()[rows]

    def _given_up_at(self, rows: Ranks, columns: Ranks) -> Floats:
        return np.asarray(self._candidates.asked_at[rows, columns] + self._rules.fail_s)

    def _ask(self) -> None:
        """Ask everybody who may be asked now."""
        candidates, rules = self._candidates, self._rules
        waiting = np.count_nonzero(candidates.states == WAITING, axis=1)
        slots = np.where(self._wide, rules.parallelism_wide, rules.parallelism) - waiting
        slots = np.maximum(np.minimum(slots, rules.requests_max - self._asked), 0)
        rows, columns = np.nonzero(candidates.next_to_ask(rules.count, slots))
        self._asked += np.bincount(rows, minlength=len(self._places))
        candidates.states[rows, columns] = WAITING
        candidates.asked_at[rows, columns] = self._now[rows]
        candidates.due_at[rows, columns] = self._now[rows] + self._waits_s(rows, columns)

    def _waits_s(self, rows: Ranks, columns: Ranks) -> Floats:
        """Return how long after now the outcomes of new requests are known."""
        around, rules = self._around, self._rules
        peers, serials = self._candidates.ranks[rows, columns].astype(np.int64), self._serials[rows]
        tries = around.round_trips.failed_tries(peers, serials)
        talks = around.round_trips.share_of(self._sources[rows], peers) < rules.session_share
        sent_s = np.where(talks, _at(rules.talk_s, tries), _at(rules.call_s, tries))
        answered_s = sent_s + around.round_trips.seconds(self._sources[rows], peers, serials)
        answered_s[around.dead[peers]] = NEVER
        return np.minimum(answered_s, rules.fail_s)


def _at(sent_s: Sequence[float], tries: Ranks) -> Floats:
    """Return when the transmission after so many failed ones leaves; never after the last."""
    times: Floats = np.array([*sent_s, NEVER])[np.minimum(tries, len(sent_s))]
    return times


ROW_FIELDS = (
    "_places",
    "_sources",
    "_radius",
    "_serials",
    "_now",
    "_quiet_since",
    "_quiet_s",
    "_asked",
    "_wide",
)
"""Attributes with a place per lookup that still runs."""
