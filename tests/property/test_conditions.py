"""Conditions on attributes, against a naive reading of numbers and of dotted numbers; any text is read or refused."""

from __future__ import annotations

import operator
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from mesh99.node.conditions import Conditions
from mesh99.node.offers import offers_of, parse_offer
from mesh99.wire.errors import ConfigError

COMPARE = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}
signs = st.sampled_from(sorted(COMPARE))
parts = st.lists(st.integers(0, 12), min_size=1, max_size=4)
hundredths = st.integers(-9999, 9999)
names = st.from_regex(r"[a-z][a-z0-9_.-]{0,7}", fullmatch=True)
words = st.text(
    st.characters(exclude_categories=("C", "Z"), exclude_characters=",=<>!"), min_size=1, max_size=9
)


@given(parts, parts, signs)
def test_versions_compare_part_by_part(have: list[int], wanted: list[int], sign: str) -> None:
    length = max(len(have), len(wanted))
    padded = [tuple(each + [0] * (length - len(each))) for each in (have, wanted)]
    fits = Conditions.parse([f"version{sign}{'.'.join(map(str, wanted))}"]).fit(
        {"version": ".".join(map(str, have))}
    )
    assert fits == COMPARE[sign](*padded)


@given(hundredths, hundredths, signs)
def test_numbers_compare_as_numbers(have: int, wanted: int, sign: str) -> None:
    fits = Conditions.parse([f"load {sign} {wanted / 100:.2f}"]).fit({"load": have / 100})
    assert fits == COMPARE[sign](Fraction(have, 100), Fraction(wanted, 100))


@given(names, words, signs)
def test_a_condition_reads_back_as_it_was_written(name: str, wanted: str, sign: str) -> None:
    try:
        [condition] = Conditions.parse([f" {name} {sign} {wanted} "]).each
    except ConfigError:
        assert sign not in ("=", "!=")
    else:
        assert (condition.name, condition.operator, condition.wanted) == (name, sign, wanted)
        assert Conditions.parse([str(condition)]).each == (condition,)


@given(st.text(max_size=40), st.dictionaries(names, words | st.floats() | st.lists(words).map(tuple)))
def test_any_text_is_a_condition_or_refused(
    text: str, attributes: dict[str, str | float | tuple[str, ...]]
) -> None:
    try:
        conditions = Conditions.parse([text])
    except ConfigError:
        return
    assert conditions.fit(attributes) in (True, False)


@given(st.text(max_size=60))
def test_any_text_is_a_capability_or_refused(text: str) -> None:
    try:
        offers = offers_of([parse_offer(text)[0]])
        offers |= offers_of(dict([parse_offer(text)]))
    except ConfigError:
        return
    assert len(offers) == 1
