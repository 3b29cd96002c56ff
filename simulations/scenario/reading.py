"""Read a scenario: TOML to a checked Scenario. Whatever is wrong is one line with file, key and what is allowed."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import ValidationError, convert
from msgspec.structs import replace

from ...wire.errors import ConfigError
from .checking import check
from .complaints import complaint
from .schema import Part, Scenario
from .shape import NONE, Key, key_text, keys_of
from .units import UNITS
from .units import parse as parse_unit
from .writing import write

__all__ = ["parse", "read", "scenario_of", "write"]

FILE_BYTES_MAX = 1 << 20
"""A scenario is a page or two; what is larger was named by mistake."""


def read(path: str | Path) -> Scenario:
    """Read a scenario file; raises ConfigError."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
        text = data.decode()
    except OSError as error:
        raise ConfigError(str(path), f"cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), f"is not UTF-8 text (byte {error.start})") from error
    if len(data) > FILE_BYTES_MAX:
        raise ConfigError(str(path), f"is over the {FILE_BYTES_MAX} bytes that a scenario may have")
    return parse(text, str(path), path.parent)


def parse(text: str, source: str = "scenario", folder: Path | None = None) -> Scenario:
    """Read the text of a scenario; `folder` is where the files it names are looked for. Raises ConfigError."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        problem = "is nested too deeply" if isinstance(error, RecursionError) else f"is not TOML: {error}"
        raise ConfigError(source, " ".join(problem.split())) from error
    return scenario_of(document, source, folder)


def scenario_of(document: Mapping[str, object], source: str = "", folder: Path | None = None) -> Scenario:
    """Make a checked scenario of the tables of a file; raises ConfigError."""
    try:
        scenario = unchecked(document)
    except ValidationError as error:
        path, problem = complaint(document, error)
        raise ConfigError(f"{source}: {key_text(path)}" if source else key_text(path), problem) from error
    scenario = _with_whole_paths(scenario, folder or Path())
    check(scenario, source)
    return scenario


def unchecked(document: Mapping[str, object]) -> Scenario:
    """Make a scenario of the tables of a file without a look at its values; raises msgspec's ValidationError."""
    return convert(_with_nones(document, Scenario), Scenario, dec_hook=_unit)


def _with_nones(table: Mapping[str, object], part: type[Part]) -> dict[str, object]:
    """Put None where an optional key says "none", which is how TOML, that has no null, can say it."""
    known = keys_of(part)
    return {name: _with_none(value, known.get(name)) for name, value in table.items()}


def _with_none(value: Any, key: Key | None) -> object:
    if key is None:
        return value
    if key.optional and value == NONE:
        return None
    if key.table is not None and isinstance(value, dict):
        return _with_nones(value, key.table)
    if key.table is not None and key.is_array and isinstance(value, list):
        return [_with_nones(item, key.table) if isinstance(item, dict) else item for item in value]
    return value


def _unit(kind: type, value: object) -> Any:
    """Read a number with its unit for msgspec, which adds the place to the ValueError."""
    return parse_unit(next(unit for unit in UNITS if unit is kind), value)


def _with_whole_paths(scenario: Scenario, folder: Path) -> Scenario:
    """Name files in full, so that a scenario means the same in another process and another folder."""
    if scenario.churn is None or not scenario.churn.trace:
        return scenario
    trace = str((folder / scenario.churn.trace).absolute())
    return replace(scenario, churn=replace(scenario.churn, trace=trace))
