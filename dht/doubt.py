"""Whom of those that a lookup found it doubts: what makes it ask more.

Colluders name each other and keep quiet about everybody else. Their ids are hashes of keys, so chance puts honest nodes
between them, of which the lookup heard elsewhere; and whoever is nearest to a target knows nearly all that stand there.
So an answer that leaves out much of what stands nearer than the farthest that it names, or than as many as it was asked
for, is doubted. Its sender stays in the result, for it is there, and may be right; but it does not count among the
`AGREEING` that a lookup wants, and one more is asked in its place. A lookup for more than a few has these anyway.
"""

from __future__ import annotations

from collections.abc import Sequence

from .lookup import Candidate, Lookup, State

LEFT_OUT_SHARE = 0.4
"""Of the number of contacts asked for: an answer that leaves out more is doubted. Raising it overlooks colluders who
name few; lowering it doubts peers that have not met all of their neighbours yet (of 2,600 answers among 1,000 nodes at
rest nobody was left out, of 4,000 beside a fifth of colluders three of eight in one)."""

AGREEING = 3
"""Answers that are not doubted which a lookup wants, if it is for so many. Raising it asks more under attack; at 1 the
nearest honest node is not found where it is not the first to be asked."""


def missing(lookup: Lookup, sought: int, want: int, named_max: int | None = None) -> int:
    """Count how many more the lookup has to find for enough to agree; `want` contacts were asked for.

    Where more were, for another purpose, only the first `named_max` of each answer say whom to doubt.
    """
    alive = [candidate for candidate in lookup.candidates if candidate.state is not State.FAILED]
    found = lookup.nearest_answered()
    agreeing = sum(_left_out(each, alive, want, named_max) <= LEFT_OUT_SHARE * want for each in found)
    return max(0, min(sought, AGREEING) - agreeing)


def _left_out(teller: Candidate, alive: Sequence[Candidate], want: int, named_max: int | None) -> int:
    """Count whom a peer did not name of those nearer than the farthest it named, or of the `want` nearest."""
    named = {contact.node_id for contact in teller.named[:named_max]}
    places = (place for place, each in enumerate(alive) if each.contact.node_id in named)
    near = alive[: max(want, *places, 0)]
    return sum(each.contact.node_id not in named for each in near if each is not teller)
