"""The scenarios that come with the package, and the way from a name or a file to a scenario."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from pathlib import Path

from ...wire.errors import ConfigError
from .reading import read
from .schema import Scenario
from .units import shown

SHIPPED = Path(__file__).parent / "shipped"


def shipped() -> dict[str, str]:
    """Return the name of each scenario that comes with the package, with what happens in it."""
    return {name: read(path).about for name, path in _files().items()}


def load(name_or_path: str | Path) -> Scenario:
    """Return a shipped scenario by its name, or the one in a .toml file; raises ConfigError."""
    text = str(name_or_path)
    if isinstance(name_or_path, str) and text in _files():
        return read(_files()[text])
    if isinstance(name_or_path, Path) or text.endswith(".toml") or "/" in text:
        return read(name_or_path)
    names = ", ".join(_files())
    close = get_close_matches(text, _files(), n=1)
    meant = f" (did you mean {close[0]}?)" if close else ""
    problem = f"there is no {shown(text)}{meant}; there are {names}, and any file that ends in .toml"
    raise ConfigError("scenario", problem)


@cache
def _files() -> dict[str, Path]:
    return {path.stem: path for path in sorted(SHIPPED.glob("*.toml"))}
