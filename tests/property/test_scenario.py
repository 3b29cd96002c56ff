"""Scenarios from anything: a round trip loses nothing, and whatever a file holds is a scenario or one clear line."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import inspect

from mesh99.simulations.scenario.changes import changed_document, with_changes
from mesh99.simulations.scenario.differences import changes_between
from mesh99.simulations.scenario.reading import parse, scenario_of, unchecked, write
from mesh99.simulations.scenario.schema import Part, Scenario
from mesh99.simulations.scenario.shape import Key, keys_of
from mesh99.simulations.scenario.units import Duration, Multiple, Rate, Share, Size, Unit, written
from mesh99.simulations.scenario.units import parse as parse_unit
from mesh99.wire.errors import ConfigError

NUMBERS: dict[type[Unit], st.SearchStrategy[Any]] = {
    Duration: st.floats(0.001, 1e9),
    Share: st.floats(0, 1),
    Multiple: st.floats(0.001, 1000),
    Size: st.integers(0, 1 << 40),
    Rate: st.floats(1, 1e12),
}

TEXT = st.text(max_size=8)
LEAF = st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.dates()
ANYTHING = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)
)


def _values(key: Key) -> st.SearchStrategy[Any]:
    """Return values of a key's kind, whether or not they make sense together."""
    kind = key.kind
    if key.table is not None:
        tables = _tables(key.table)
        several = st.lists(tables, max_size=2).map(tuple)
        return several if key.is_array else st.none() | tables if key.optional else tables
    values: st.SearchStrategy[Any]
    if key.unit is not None:
        values = NUMBERS[key.unit].map(key.unit)
    elif isinstance(kind, inspect.LiteralType):
        values = st.sampled_from(kind.values)
    elif isinstance(kind, inspect.DictType):
        values = st.dictionaries(st.sampled_from(["hops_mean", "joined"]), st.just("<= 4"))
    elif isinstance(kind, inspect.VarTupleType):
        values = st.lists(st.text("ab-", min_size=1), max_size=3).map(tuple)
    else:
        plain = {inspect.IntType: st.integers(0, 10**6), inspect.FloatType: st.floats(0, 1e6)}
        values = {**plain, inspect.BoolType: st.booleans(), inspect.StrType: TEXT}[type(kind)]
    return st.none() | values if key.optional else values


def _tables(part: type[Part]) -> st.SearchStrategy[Any]:
    keys = keys_of(part).values()
    required = {key.name: _values(key) for key in keys if key.required}
    others = {key.name: _values(key) for key in keys if not key.required}
    return st.fixed_dictionaries(required, optional=others).map(lambda values: part(**values))


def _documents(part: type[Part]) -> st.SearchStrategy[dict[str, Any]]:
    """Return tables with the right keys and anything in them, or with nearly the right keys."""
    known: dict[str, st.SearchStrategy[Any]] = {
        key.name: (
            _documents(key.table) | st.lists(_documents(key.table), max_size=2) if key.table else ANYTHING
        )
        | ANYTHING
        for key in keys_of(part).values()
    }
    return st.fixed_dictionaries({}, optional=known) | st.dictionaries(TEXT, ANYTHING, max_size=3)


@given(_tables(Scenario))
def test_what_is_written_reads_back_equal(scenario: Scenario) -> None:
    text = write(scenario)
    document = tomllib.loads(text)
    assert unchecked(document) == scenario


def _refused(make: Callable[[], Scenario]) -> str | None:
    """Make a scenario; return why not, or None."""
    try:
        scenario = make()
    except ConfigError as error:
        return str(error)
    assert parse(write(scenario)) == scenario
    return None


def _is_one_line(message: str | None, start: str) -> bool:
    return message is None or (message.startswith(start) and message.isprintable())


@given(_tables(Scenario), _tables(Scenario))
def test_the_differences_of_two_scenarios_make_one_of_the_other(before: Scenario, after: Scenario) -> None:
    changes = changes_between(before, after)
    assert unchecked(changed_document(before, changes)) == after


@given(_documents(Scenario))
def test_any_tables_are_a_scenario_or_one_line(document: dict[str, Any]) -> None:
    document = {"name": "trial", "about": "A trial.", **document}
    message = _refused(lambda: scenario_of(document, "some.toml"))
    assert _is_one_line(message, "some.toml: ")


@given(st.text(alphabet="abefnorst.[]0123= \"'#\n"))
def test_any_text_is_a_scenario_or_one_line(text: str) -> None:
    message = _refused(lambda: parse(text, "some.toml"))
    assert _is_one_line(message, "some.toml: ")


@given(st.text(max_size=12) | st.sampled_from(["fault.0.at", "links.loss", "expect.x", "churn"]), TEXT)
def test_any_change_is_made_or_refused_in_one_line(key: str, text: str) -> None:
    message = _refused(lambda: with_changes(Scenario(name="trial", about="A trial."), {key: text}))
    assert _is_one_line(message, "")


@given(st.sampled_from(list(NUMBERS)).flatmap(lambda kind: NUMBERS[kind].map(kind)))
def test_any_number_is_written_so_that_it_reads_back(value: Unit) -> None:
    assert parse_unit(type(value), written(type(value), value)) == value
