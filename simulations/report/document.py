"""Results as JSON documents in files, and back; on disk it is `<scenario>-<nodes>-<seed>.json`.

JSON knows no NaN and no infinity: a figure or a point that is none (nothing was measured) is null there,
and NaN when it is read back.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, ValidationError, convert, field

from ...wire.errors import ConfigError
from ..outcome import Failure, Outcome
from ..scenario.reading import parse
from ..scenario.schema import Scenario

HINT = "give results that `mesh99 sim run` or `mesh99 sim sweep` wrote"

NOT_IN_A_FILE_NAME = re.compile(r"[^A-Za-z0-9._-]+")


class _FailureForm(Struct, kw_only=True):
    check: str
    at_s: float
    message: str
    event: int = 0
    node: int | None = None


class _Form(Struct, kw_only=True):
    """What a document must hold; more, such as the parameters of a sweep, may stand beside it."""

    digest: str
    seed: int
    figures: dict[str, float | None]
    definition: str
    events_digest: str = ""
    tier: str = "heap"
    crypto: str = "simulated"
    curves: dict[str, list[tuple[float | None, float | None]]] = field(default_factory=dict)
    failures: list[_FailureForm] = field(default_factory=list)
    interrupted: bool = False
    code: str = ""


def outcome_of(document: object, source: str = "result") -> Outcome:
    """Return the result that a JSON document describes; ConfigError names `source` and the key at fault."""
    if not isinstance(document, Mapping):
        raise ConfigError(source, "is no result: not a JSON object", HINT)
    try:
        form = convert(document, _Form)
    except ValidationError as error:
        raise ConfigError(source, f"is no result: {_one_line(error)}", HINT) from error
    return Outcome(
        scenario=parse(form.definition, f"{source} (definition)"),
        seed=form.seed,
        tier=form.tier,
        crypto=form.crypto,
        digest=form.digest,
        events_digest=form.events_digest,
        figures={name: _number(value) for name, value in form.figures.items()},
        curves={name: [(_number(x), _number(y)) for x, y in points] for name, points in form.curves.items()},
        failures=tuple(_failure(failure) for failure in form.failures),
        interrupted=form.interrupted,
        code=form.code,
    )


def file_name(scenario: Scenario, seed: int) -> str:
    """Return the name of a result's file; a scenario's name cannot lead out of the folder."""
    return f"{stem(scenario.name)}-{scenario.population.nodes}-{seed}.json"


def stem(name: str) -> str:
    """Return what of a name may stand in the name of a file."""
    return NOT_IN_A_FILE_NAME.sub("_", name).lstrip(".") or "scenario"


def write_outcome(outcome: Outcome, folder: Path) -> Path:
    """Write a result into a folder that is made if need be, and return its path; no half file is left."""
    path = folder / file_name(outcome.scenario, outcome.seed)
    unfinished = path.with_suffix(".json.part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(json.dumps(outcome.document(), allow_nan=False) + "\n", encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        raise ConfigError(str(path), f"cannot be written: {error.strerror or error}") from error
    return path


def read_outcome(path: Path) -> Outcome:
    """Read one result; ConfigError names the file, and the line or key at fault."""
    return outcome_of(parse_json(read_text(path), str(path)), str(path))


def read_text(path: Path) -> str:
    """Read a text file; ConfigError names it."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(str(path), f"cannot be read: {error.strerror or error}", HINT) from error
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), "is no result: not UTF-8 text", HINT) from error


def parse_json(text: str, source: str) -> object:
    """Parse JSON; ConfigError names `source` and the place."""
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        place = (
            f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        )
        raise ConfigError(source, f"is not JSON{place}", HINT) from error


def _failure(form: _FailureForm) -> Failure:
    return Failure(check=form.check, at_s=form.at_s, event=form.event, node=form.node, message=form.message)


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text[:1].lower() + text[1:]
