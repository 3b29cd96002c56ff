"""Conditions on attributes, and capabilities as the command line writes them."""

from __future__ import annotations

from typing import Any

import pytest

from mesh99.node.conditions import Conditions
from mesh99.node.offers import offers_of, parse_offer
from mesh99.wire.errors import ConfigError

SAID = {"version": "2.10", "region": "eu", "load": 0.5, "gpus": 4, "tags": ("de", "fr"), "zone": "7"}


@pytest.mark.parametrize(
    ("condition", "fits"),
    [
        ("version>=2", True),
        ("version > 2.9", True),
        ("version<2.9", False),
        ("version=2.10.0", True),
        ("version=2.1", False),
        ("version!=2.1", True),
        ("load<=0.5", True),
        ("load<0.5", False),
        ("load=0.50", True),
        ("gpus>=4", True),
        ("gpus=4", True),
        ("gpus=many", False),
        ("gpus>4.5", False),
        ("gpus<1.2.3", False),
        ("region=eu", True),
        ("region=EU", False),
        ("region!=us", True),
        ("region>1", False),
        ("tags=fr", True),
        ("tags=f", False),
        ("tags!=fr", False),
        ("tags!=it", True),
        ("tags>1", False),
        ("zone>=6", True),
        ("colour=blue", False),
        ("colour!=blue", True),
        ("colour<=9", False),
        ("region=eu = west", False),
    ],
)
def test_a_condition_fits_or_not(condition: str, fits: bool) -> None:
    assert Conditions.parse([condition]).fit(SAID) == fits


def test_all_conditions_must_be_met() -> None:
    assert Conditions.parse(["region=eu", "tags=fr"]).fit(SAID)
    assert not Conditions.parse(["region=eu", "tags=it"]).fit(SAID)
    assert Conditions().fit({})


@pytest.mark.parametrize(
    "text", ["", "region", "=eu", "region=", "Region=eu", "version>=two", "load<=", "a>>1", "a==1", "a=<1", "1a=2"]
)  # fmt: skip
def test_what_is_no_condition_is_refused_in_one_line_with_a_hint(text: str) -> None:
    with pytest.raises(ConfigError) as raised:
        Conditions.parse([text])
    assert raised.value.field == "where"
    assert repr(text) in str(raised.value)
    assert raised.value.hint


def test_too_many_conditions_are_refused() -> None:
    with pytest.raises(ConfigError, match="at most 16"):
        Conditions.parse(["a=1"] * 17)


def test_capabilities_are_names_or_names_with_attributes() -> None:
    assert offers_of(["Work", "work", "rest"]) == {"work": {}, "rest": {}}
    assert offers_of({"Work": {"version": 2}}) == {"work": {"version": "2"}}
    with pytest.raises(ConfigError, match="Work: load: 2 is not from 0") as raised:
        offers_of({"Work": {"load": 2}})
    assert raised.value.hint


@pytest.mark.parametrize(
    ("text", "offer"),
    [
        ("translate", ("translate", {})),
        (
            "translate,version=2.1,load=0,gpus=-1.5",
            ("translate", {"version": "2.1", "load": 0, "gpus": -1.5}),
        ),
        ("translate, tags=fr", ("translate", {"tags": ["fr"]})),
        ("a,tags=fr,tags=de,tags=it", ("a", {"tags": ["fr", "de", "it"]})),
        ("a,lang=fr,lang=de", ("a", {"lang": ["fr", "de"]})),
        ("a,note=x=y", ("a", {"note": "x=y"})),
    ],
)
def test_the_command_line_writes_a_capability(text: str, offer: tuple[str, dict[str, Any]]) -> None:
    assert parse_offer(text) == offer


@pytest.mark.parametrize(
    "text", ["", ",version=1", "version=1", "a,b", "a,", "a,=1", "a,version=x", "a,load=2"]
)
def test_a_bad_capability_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        offers_of(dict([parse_offer(text)]))
