"""What `mesh99 nat` tells a person: words for every kind, and advice that fits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from mesh99.cli.nat_view import FILTERINGS, KINDS, MAPPINGS, WORKS, advice, facts
from mesh99.nat.behaviour import Filtering, Mapping, NatKind

from .conftest import FakeNode


def nat(**changed: Any) -> dict[str, Any]:
    """Return what the stand-in says, in part something else."""
    return {**msgspec.to_builtins(FakeNode().nat()), **changed}


def test_every_kind_mapping_and_filtering_has_words() -> None:
    assert set(KINDS) == set(WORKS) == {each.value for each in NatKind}
    assert set(MAPPINGS) == {each.value for each in Mapping}
    assert set(FILTERINGS) == {each.value for each in Filtering}


@pytest.mark.usefixtures("node")
def test_a_person_reads_the_kind_what_works_and_what_to_change(mesh99: Callable[..., Any]) -> None:
    output = mesh99("nat").stdout
    assert "this node is  easy: whoever is told its endpoint gets in" in output
    assert "writer (udp://192.0.2.9:7400, 21.5 ms)" in output
    assert "PEERS THAT ARE" in output
    assert "- forward UDP port 7401 to this machine" in output


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"at_large": False}, "nobody sees this node from the internet"),
        ({"kind": "unknown", "mapping": "unknown", "filtering": "unknown"}, "two peers of other networks"),
        ({"kind": "hard", "mapping": "address-and-port-dependent"}, "forward UDP port 7401"),
        ({"serves": True}, "runs with --relay, but strangers"),
        ({"kind": "blocked", "at_large": False}, "let UDP pass"),
        ({"relays": []}, "join a node that serves as a relay"),
        ({"kind": "open", "filtering": "endpoint-independent"}, "could serve as a relay"),
    ],
)
def test_advice_fits_what_was_found(changed: dict[str, Any], told: str) -> None:
    assert any(told in text for text in advice(nat(**changed)))


def test_a_serving_open_node_is_told_nothing() -> None:
    assert advice(nat(kind="open", serves=True)) == []


def test_missing_relays_are_told_apart_from_none_needed() -> None:
    assert dict(facts(nat(relays=[])))["relays"] == "none found yet"
    assert dict(facts(nat(relays=[], wants_relays=False)))["relays"] == "none needed"
