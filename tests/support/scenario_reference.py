"""The reference of scenario files in docs/simulations.md, made from the classes that read them.

`python tests/support/scenario_reference.py` writes it anew; tests/packaging/test_scenario_reference.py fails when the
document says something else than the classes.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from msgspec import inspect

from mesh99.simulations.scenario import schema
from mesh99.simulations.scenario.schema import Lifetimes, Part, Scenario
from mesh99.simulations.scenario.shape import Key, keys_of
from mesh99.simulations.scenario.units import Duration, Multiple, Rate, Share, Size, written

DOCUMENT = Path(__file__).parents[2] / "docs" / "simulations.md"
BEGIN = "<!-- The reference begins: python tests/support/scenario_reference.py writes it. -->"
END = "<!-- The reference ends. -->"

UNITS = {Duration: "duration", Share: "share", Multiple: "share, may be over 1", Size: "size", Rate: "rate"}
PLAIN = {
    inspect.IntType: "whole number",
    inspect.FloatType: "number",
    inspect.BoolType: "true or false",
    inspect.StrType: "text",
    inspect.VarTupleType: "list of texts",
    inspect.DictType: "texts by name",
}

MORE = {
    "Scenario.name": "Letters, digits, `.`, `_`, `-`; results are files of this name.",
    "Scenario.tier": "Which simulator runs it: see [Four tiers](#four-tiers).",
    "Latency.model": "`planetlab`: independent pairs with measured quantiles; `coordinates`: points in space with the "
    "same quantiles; `uniform`: independent pairs between two bounds; `fixed`: one delay for all.",
    "Links.duplicate": "Share of packets that arrive twice.",
    "Links.uplink": "Bandwidth of every node, outwards; none: unlimited.",
    "Links.downlink": "The same, inwards.",
    "Nat.udp_blocked": "Nothing but TCP gets out.",
    "Nat.mapping_timeout": "How long a mapping lives without a packet.",
    "Nat.hairpin": "Whether hosts behind one NAT reach each other by its public address.",
    "Lifetimes.distribution": "Of durations; `weibull` fits what was measured.",
    "Partition.kind": "`symmetric`: nothing passes; `one-way`: nothing passes in one direction; `clog`: packets of the "
    "nodes are held back and come all at once; `swizzle-clog`: the same for one node after the other in the first "
    "third of the time, and they are let go in another order in the last.",
    "Partition.at": "When it begins.",
    "Partition.lasts": "When it heals, from then on.",
    "Fault.kind": "What happens to them: see [Faults](#faults).",
    "Fault.every": "Time between two batches.",
    "Fault.at": "When it begins.",
    "Arrival.at": "When the first come.",
    "Arrival.over": "Time within which all have come.",
    "Adversary.kind": "What they do: see [Adversaries](#adversaries).",
    "Workload.value_size": "Bytes of a value.",
    "Workload.value_ttl": "How long a value lives unless its owner puts it again.",
}
"""What the classes leave unsaid because a reader of the code sees it."""


def reference() -> str:
    """Return the reference as Markdown."""
    sections = [*_section("Of the file itself", Scenario)]
    for key in keys_of(Scenario).values():
        if key.table is not None:
            head = f"`[[{key.name}]]`, as often as wanted" if key.is_array else f"`[{key.name}]`"
            sections += _section(head, key.table)
            if any(inner.table is Lifetimes for inner in keys_of(key.table).values()):
                sections += _section("`[churn.session]` and `[churn.offline]`", Lifetimes)
    return "\n".join(sections)


def _section(head: str, part: type[Part]) -> Iterator[str]:
    about, _ = docstrings()[part.__name__]
    keys = [key for key in keys_of(part).values() if key.table is None]
    yield from (
        f"#### {head}",
        "",
        about,
        "",
        "| key | written as | default | meaning |",
        "| --- | --- | --- | --- |",
    )
    for key in keys:
        yield f"| `{key.name}` | {kind_of(key)} | {default_of(key)} | {meaning_of(part, key)} |"
    yield ""


def kind_of(key: Key) -> str:
    """Say how a value is written."""
    if key.unit is not None:
        return UNITS[key.unit]
    if isinstance(key.kind, inspect.LiteralType):
        return ", ".join(f"`{value}`" for value in key.kind.values)
    return PLAIN[type(key.kind)]


def default_of(key: Key) -> str:
    """Return what a file that leaves the key out gets, as it would write it."""
    if key.required:
        return "must be given"
    value = key.default
    if value is None:
        return "none"
    if key.unit is not None:
        text = written(key.unit, value)  # type: ignore[arg-type]
        is_number = key.unit in (Share, Multiple) and not text.endswith("%")
        return f"`{text}`" if is_number else f'`"{text}"`'
    if isinstance(value, bool | int | float):
        return f"`{json.dumps(value)}`"
    if isinstance(value, str):
        return f'`"{value}"`' if value else "empty"
    return f"`{json.dumps(list(value))}`" if value else "empty"  # type: ignore[call-overload]


def meaning_of(part: type[Part], key: Key) -> str:
    """Return what the class says of a key."""
    _, fields = docstrings()[part.__name__]
    more = MORE.get(f"{part.__name__}.{key.name}")
    text = more or fields.get(key.name) or ""
    assert text, f"say in MORE what {part.__name__}.{key.name} means"
    return text.replace("|", "\\|").replace("None:", "none:")


def docstrings() -> dict[str, tuple[str, dict[str, str]]]:
    """Return the first line of each class of the schema, and the text under each of its fields."""
    found = {}
    for node in ast.parse(Path(schema.__file__).read_text()).body:
        if isinstance(node, ast.ClassDef):
            about = (ast.get_docstring(node) or "").splitlines()[0]
            found[node.name] = about, dict(_fields(node))
    return found


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, text in zip(node.body, node.body[1:], strict=False):
        is_text = isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and is_text:
            yield field.target.id, " ".join(str(text.value.value).split())  # type: ignore[attr-defined]


def with_reference(document: str) -> str:
    """Return the document with the reference as it is now."""
    before, rest = document.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{reference()}\n{END}{after}"


if __name__ == "__main__":
    DOCUMENT.write_text(with_reference(DOCUMENT.read_text()))
    sys.stdout.write(f"{DOCUMENT}\n")
