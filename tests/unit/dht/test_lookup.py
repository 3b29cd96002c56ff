from __future__ import annotations

from mesh99.dht.lookup import Lookup, State
from mesh99.wire.identity import NodeId

OWN = NodeId(b"\xff" * 32)
FAR = 1 << 200


def lookup(seeds, count: int = 4, parallelism: int = 2, radius: int = 0, requests_max: int = 100) -> Lookup:
    return Lookup(
        0,
        seeds,
        OWN,
        count=count,
        parallelism=parallelism,
        parallelism_wide=count,
        requests_max=requests_max,
        radius=radius,
    )


def asked(search: Lookup) -> list:
    """Take everybody who may be asked now."""
    taken = []
    while (candidate := search.next()) is not None:
        taken.append(candidate)
    return taken


def numbers(candidates) -> list[int]:
    return [candidate.contact.node_id.number for candidate in candidates]


def test_a_search_among_nobody_is_finished() -> None:
    search = lookup([])
    assert search.next() is None
    assert search.finished


def test_the_nearest_are_asked_first_and_never_ourselves(make_contact) -> None:
    contacts = [make_contact(FAR + number) for number in (9, 3, 7)]
    search = lookup([*contacts, make_contact(int.from_bytes(OWN, "big"))], parallelism=5)
    assert numbers(asked(search)) == [FAR + 3, FAR + 7, FAR + 9]


def test_narrow_keeps_to_the_parallelism(make_contact) -> None:
    search = lookup([make_contact(FAR + number) for number in range(9)])
    first, second = asked(search)
    search.answered(second, [make_contact(5)])
    assert search.waiting == 1
    assert numbers(asked(search)) == [5]
    assert not search.wide
    search.failed(first)
    assert len(asked(search)) == 1


def test_it_goes_wide_when_the_nearest_has_answered(make_contact) -> None:
    search = lookup([make_contact(FAR + number) for number in range(9)])
    first, _ = asked(search)
    search.answered(first, [])
    assert search.wide
    assert numbers(asked(search)) == [FAR + 2, FAR + 3], "all of the four nearest now, nobody beyond"


def test_it_goes_wide_within_the_radius(make_contact) -> None:
    search = lookup([make_contact(number) for number in range(1, 9)])
    _, second = asked(search)
    search.answered(second, [], radius=1)
    assert not search.wide
    search = lookup([make_contact(number) for number in range(1, 9)])
    _, second = asked(search)
    search.answered(second, [], radius=2)
    assert search.wide
    assert lookup([make_contact(3)], radius=3).wide
    assert not lookup([make_contact(3)], radius=2).wide


def test_slow_candidates_free_their_slot_and_may_still_answer(make_contact) -> None:
    search = lookup([make_contact(FAR + number) for number in range(9)])
    first, _second = asked(search)
    search.slow(first)
    search.slow(first)
    assert search.waiting == 1
    third = search.next()
    assert third is not None
    assert search.next() is None
    search.answered(first, [make_contact(1)])
    assert first.state is State.ANSWERED
    assert search.waiting == 2


def test_it_waits_for_slow_ones_before_it_is_finished(make_contact) -> None:
    search = lookup([make_contact(1), make_contact(2)])
    first, second = asked(search)
    search.answered(second, [])
    search.slow(first)
    assert not search.finished
    search.failed(first)
    assert search.finished
    assert numbers(search.nearest_answered()) == [2]


def test_failed_candidates_make_room_for_the_next_nearest(make_contact) -> None:
    search = lookup([make_contact(number) for number in range(1, 8)], radius=99)
    four = asked(search)
    assert numbers(four) == [1, 2, 3, 4]
    search.failed(four[1])
    assert numbers(asked(search)) == [5]
    for candidate in search.asked:
        search.answered(candidate, [])
    assert search.finished
    assert numbers(search.nearest_answered()) == [1, 2, 3, 4], "the failed one answered after all"


def test_depth_and_closer_tell_the_way(make_contact) -> None:
    search = lookup([make_contact(FAR)])
    (first,) = asked(search)
    search.answered(first, [make_contact(1), make_contact(2), make_contact(FAR + 1)])
    assert first.closer == 2
    assert [candidate.depth for candidate in search.candidates] == [2, 2, 1, 2]


def test_a_second_answer_changes_nothing(make_contact) -> None:
    search = lookup([make_contact(FAR)])
    (first,) = asked(search)
    search.answered(first, [])
    search.answered(first, [make_contact(1)])
    search.failed(first)
    assert len(search.candidates) == 1
    assert first.state is State.ANSWERED


def test_a_liar_with_ever_nearer_contacts_is_bounded(make_contact) -> None:
    search = lookup([make_contact(1 << 255)], requests_max=10)
    for bit in range(254, 0, -1):
        candidate = search.next()
        if candidate is None:
            break
        search.answered(candidate, [make_contact(1 << bit)])
    assert len(search.asked) == 10
    assert search.finished


def test_growing_the_count_goes_on(make_contact) -> None:
    search = lookup([make_contact(number) for number in range(1, 4)], count=2, radius=99)
    for candidate in asked(search):
        search.answered(candidate, [])
    assert search.finished
    search.count += 1
    assert not search.finished
    assert numbers(asked(search)) == [3]


def test_in_reach_counts_those_still_awaited(make_contact) -> None:
    search = lookup([make_contact(number) for number in range(1, 7)], count=3, radius=99)
    first, second, third = asked(search)
    search.answered(third, [])
    assert numbers(search.in_reach()) == [3]
    search.failed(first)
    fourth = search.next()
    assert fourth is not None
    search.answered(fourth, [])
    assert numbers(search.in_reach()) == [3, 4]
    assert second.state is State.WAITING


def test_the_enlisted_are_asked_whatever_their_rank_and_waited_for(make_contact) -> None:
    search = lookup([make_contact(number) for number in range(4)], count=1, parallelism=8, requests_max=1)
    (nearest,) = asked(search)
    search.enlist([make_contact(FAR), make_contact(FAR)])
    search.answered(nearest, [])
    (far,) = asked(search)
    assert numbers([far]) == [FAR]
    assert not search.finished
    search.answered(far, [])
    assert search.finished
    assert numbers(search.in_reach()) == [0, FAR]
    assert numbers(search.nearest_answered()) == [0]


def one_of_several(
    make_contact, costs: dict[int, float], cost_max: float = 10.0, cost_again: float = 0.0
) -> Lookup:
    """Return a search that begins with one of those nearer than FAR + 10; the cost of each is given."""
    return Lookup(
        0,
        [make_contact(FAR + number) for number in costs],
        OWN,
        count=4,
        parallelism=2,
        parallelism_wide=4,
        requests_max=100,
        likely=FAR + 10,
        cost=lambda node_id: costs[node_id.number - FAR],
        cost_max=cost_max,
        cost_again=cost_again,
    )


def test_the_cheapest_of_those_likely_to_do_is_asked_alone_and_when_late_the_next(make_contact) -> None:
    search = one_of_several(make_contact, {1: 3.0, 2: 1.0, 3: 2.0, 20: 0.0})
    (first,) = asked(search)
    assert numbers([first]) == [FAR + 2], "20 is cheaper, and too far away"
    search.slow(first)
    (second,) = asked(search)
    assert numbers([second]) == [FAR + 3]


def test_the_farther_of_them_is_asked_first_only_where_it_is_so_much_cheaper(make_contact) -> None:
    costs = {1: 1.1, 2: 2.0, 3: 2.0, 4: 1.0}
    (first,) = asked(one_of_several(make_contact, costs, cost_again=1.0))
    assert numbers([first]) == [FAR + 1], "the last of four lacks it in (3/4)^3 of all cases"
    (first,) = asked(one_of_several(make_contact, costs | {4: 0.5}, cost_again=1.0))
    assert numbers([first]) == [FAR + 4]


def test_one_who_is_late_makes_one_more_be_asked_however_dear(make_contact) -> None:
    search = one_of_several(make_contact, {1: 30.0, 2: 1.0, 3: 20.0})
    (first,) = asked(search)
    search.slow(first)
    (second,) = asked(search)
    assert numbers([second]) == [FAR + 3]


def test_all_are_asked_when_one_likely_to_do_disappoints(make_contact) -> None:
    for outcome in ("answered", "failed"):
        search = one_of_several(make_contact, {1: 3.0, 2: 1.0, 3: 2.0, 4: 4.0, 20: 0.0})
        (first,) = asked(search)
        search.answered(first, []) if outcome == "answered" else search.failed(first)
        more = {"answered": [FAR + 1, FAR + 3, FAR + 4], "failed": [FAR + 1, FAR + 3, FAR + 4, FAR + 20]}
        assert numbers(asked(search)) == more[outcome], "the four nearest that did not fail"


def test_nobody_is_asked_alone_where_all_are_dear_or_none_is_near(make_contact) -> None:
    assert len(asked(one_of_several(make_contact, {1: 3.0, 2: 1.0, 3: 2.0}, cost_max=0.5))) == 2
    assert len(asked(one_of_several(make_contact, {21: 3.0, 22: 1.0, 23: 2.0}))) == 2
    search = one_of_several(make_contact, {1: 3.0, 21: 1.0, 22: 2.0})
    (only,) = asked(search)
    search.slow(only)
    assert len(asked(search)) == 2, "no more of them are left"
