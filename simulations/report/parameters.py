"""What tells runs apart: a scenario as flat parameters, and labels made of those that differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from msgspec import Struct

from ..outcome import Outcome
from ..scenario.schema import Scenario
from ..scenario.units import Duration, Multiple, Rate, Share, Size, written

Value = bool | int | float | str
"""What a parameter may be; numbers keep the class that says their unit (scenario/units.py)."""

PROSE = ("about",)
"""Parameters that change nothing."""

LABELS = {"population.nodes": "{} nodes", "tier": "tier {}", "crypto": "{} crypto"}
"""How the common parameters read in a label; others read `key value`."""

LABEL_CHARACTERS_MAX = 34
"""Longer labels would leave no room for the plot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Runs that differ in their seeds only."""

    label: str
    """What tells them from the other groups; empty when there is only one."""
    runs: Sequence[Outcome]


def parameters_of(scenario: Scenario) -> dict[str, Value]:
    """Return every value of a scenario by its dotted key, `churn.session.scale` or `partition.0.at`."""
    return dict(_flat("", scenario))


def _flat(prefix: str, value: object) -> Iterator[tuple[str, Value]]:
    if isinstance(value, Struct):
        for name in value.__struct_fields__:
            yield from _flat(f"{prefix}.{name}" if prefix else name, getattr(value, name))
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _flat(f"{prefix}.{name}", item)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        yield from _flat_sequence(prefix, value)
    elif isinstance(value, bool | int | float | str):
        yield prefix, value


def _flat_sequence(prefix: str, items: Sequence[object]) -> Iterator[tuple[str, Value]]:
    if all(isinstance(item, str) for item in items):
        yield prefix, ",".join(str(item) for item in items)
        return
    for index, item in enumerate(items):
        yield from _flat(f"{prefix}.{index}", item)


def identity_of(outcome: Outcome, *, without: Sequence[str] = ()) -> tuple[tuple[str, Value], ...]:
    """Return all that decides a run but its seed, less the parameters that begin with one of `without`."""
    values = _all_parameters(outcome)
    kept = [(key, value) for key, value in values.items() if not key.startswith((*PROSE, *without))]
    return tuple(kept)


def _all_parameters(outcome: Outcome) -> dict[str, Value]:
    values = parameters_of(outcome.scenario)
    values["scenario"] = values.pop("name")
    return {**values, "tier": outcome.tier, "crypto": outcome.crypto}


def grouped(runs: Sequence[Outcome], *, without: Sequence[str] = ()) -> list[Group]:
    """Put together the runs that differ in their seeds (and in the parameters `without`) only."""
    groups: dict[tuple[tuple[str, Value], ...], list[Outcome]] = {}
    for run in runs:
        groups.setdefault(identity_of(run, without=without), []).append(run)
    labels = _labels([dict(identity) for identity in groups])
    return [Group(label=label, runs=members) for label, members in zip(labels, groups.values(), strict=True)]


def _labels(identities: Sequence[Mapping[str, Value]]) -> list[str]:
    """Name each by its scenario, if there are several, and by what tells it from others of the same scenario."""
    names = [identity["scenario"] for identity in identities]
    several = len(set(names)) > 1
    labels = []
    for identity in identities:
        rivals = [other for other in identities if other["scenario"] == identity["scenario"]]
        parts = [str(identity["scenario"])] if several else []
        parts += [_part(key, identity.get(key), rivals) for key in _differing(rivals)]
        labels.append(_cut(", ".join(parts)))
    return labels


def _differing(identities: Sequence[Mapping[str, Value]]) -> list[str]:
    keys = list(dict.fromkeys(key for identity in identities for key in identity))
    found = [key for key in keys if len({identity.get(key) for identity in identities}) > 1]
    return sorted(found, key=lambda key: key not in LABELS)


def _part(key: str, value: Value | None, rivals: Sequence[Mapping[str, Value]]) -> str:
    text = "none" if value is None else text_of(value)
    if key in LABELS:
        return LABELS[key].format(text)
    last = key.rpartition(".")[2]
    same = [other for other in _differing(rivals) if other.rpartition(".")[2] == last]
    return f"{last if len(same) == 1 else key} {text}"


def text_of(value: Value) -> str:
    """Return a value as people write it, with its unit."""
    if isinstance(value, Duration | Share | Multiple | Size | Rate):
        return written(type(value), value)
    if isinstance(value, bool | str):
        return str(value).lower() if isinstance(value, bool) else value
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _cut(label: str) -> str:
    return label if len(label) <= LABEL_CHARACTERS_MAX else label[: LABEL_CHARACTERS_MAX - 1] + "…"
