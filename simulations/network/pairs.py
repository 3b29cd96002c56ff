"""Which two hosts can meet without a relay, by the boxes that they are behind (RFC 5128)."""

from __future__ import annotations

from collections.abc import Iterator

from .nat_box import Behaviour, NatBox

OPEN, EASY, HARD, BLOCKED = "open", "easy", "hard", "blocked"
"""Strangers get in; one endpoint for all peers; another for each; no UDP at all."""


def kind_of(box: NatBox | None) -> str:
    """Return what a host behind a box, and those that the box is behind, is to those who call it."""
    boxes = list(_outwards(box))
    if any(each.config.udp_blocked for each in boxes):
        return BLOCKED
    if any(each.config.mapping is not Behaviour.ENDPOINT_INDEPENDENT for each in boxes):
        return HARD
    return OPEN if all(each.is_open for each in boxes) else EASY


def can_meet(one: NatBox | None, other: NatBox | None) -> bool:
    """Tell whether packets get through in both directions once both sides have sent some to where they see each other.

    What takes more than that, such as telling a box's next port ahead or trying many, does not count.
    """
    kinds = {kind_of(one), kind_of(other)}
    if BLOCKED in kinds or kinds == {HARD} or _share_a_box_without_hairpin(one, other):
        return False
    if HARD not in kinds:
        return True
    filtering = min(_filtering(one), _filtering(other))
    return filtering is not Behaviour.ADDRESS_AND_PORT_DEPENDENT


def _outwards(box: NatBox | None) -> Iterator[NatBox]:
    while box is not None:
        yield box
        box = box.behind


def _filtering(box: NatBox | None) -> Behaviour:
    return max((each.config.filtering for each in _outwards(box)), default=Behaviour.ENDPOINT_INDEPENDENT)


def _share_a_box_without_hairpin(one: NatBox | None, other: NatBox | None) -> bool:
    shared = [box for box in _outwards(one) if any(box is each for each in _outwards(other))]
    return bool(shared) and not shared[0].config.hairpin
