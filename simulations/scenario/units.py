"""Numbers with units, as people write them in a scenario: durations, shares, sizes, rates.

`parse` reads a value of a file or of a command line, `written` gives the text that reads back as exactly the same
number. A number without a unit is taken only where it can mean one thing: a share, a count of bytes, or zero.
"""

from __future__ import annotations

import json
import re
from difflib import get_close_matches
from math import isfinite
from typing import TypeVar


class Duration(float):
    """Seconds; written `"80ms"`, `"30s"`, `"15m"`, `"1h"`, `"2d"`, `"1y"`."""


class Share(float):
    """A part of a whole, 0 to 1; written `0.25` or `"25%"`."""


class Multiple(float):
    """A part of a whole that may be more than the whole; written as a share is: `2.5` or `"250%"`."""


class Size(int):
    """Bytes; written `1500`, `"64 KiB"`, `"1 MB"`."""


class Rate(float):
    """Bytes per second; written `"10 Mbit/s"`, `"1 MB/s"`."""


Unit = Duration | Share | Multiple | Size | Rate
UNITS: tuple[type[Unit], ...] = (Duration, Share, Multiple, Size, Rate)
UnitT = TypeVar("UnitT", bound=Unit)


def count_of(share: float, total: int) -> int:
    """Return how many a share of so many is: at least one, unless it is none of them."""
    return max(round(share * total), 1) if share > 0 and total > 0 else 0


DURATIONS = {"y": 31_536_000.0, "d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6}
"""Seconds in each unit; a year has 365 days."""

LONG_NAMES = {"sec": "s", "second": "s", "min": "m", "minute": "m", "hour": "h", "day": "d", "year": "y"}
"""What people also write, so that they can be told; one unit has one name."""

SIZES = {"GiB": 1 << 30, "GB": 10**9, "MiB": 1 << 20, "MB": 10**6, "KiB": 1 << 10, "kB": 1000, "B": 1}

RATES = {
    "Gbit/s": 125e6,
    "Mbit/s": 125e3,
    "kbit/s": 125.0,
    "bit/s": 0.125,
    **{f"{unit}/s": float(bytes_) for unit, bytes_ in SIZES.items()},
}
"""Bytes per second in each unit."""

FACTORS: dict[type, dict[str, float]] = {
    Duration: DURATIONS,
    Share: {"%": 0.01},
    Multiple: {"%": 0.01},
    Size: dict(SIZES),
    Rate: RATES,
}

ALLOWED: dict[type, str] = {
    Duration: 'a duration with its unit (ms, s, m, h, d or y), such as "80ms" or "15m"',
    Share: 'a share, such as 0.25 or "25%"',
    Multiple: 'a share that may be over 1, such as 2.5 or "250%"',
    Size: 'a number of bytes, such as 1500, "64 KiB" or "1 MB"',
    Rate: 'a rate with its unit, such as "10 Mbit/s" or "1 MB/s"',
}
"""What may be written for each, as it stands in messages."""

BASE: dict[type, str] = {Duration: "s", Size: "B", Rate: "B/s"}
"""The unit in which the number itself is kept."""

TEXT_CHARACTERS_MAX = 60
"""A longer text is no number, and is cut in messages."""

NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*", re.ASCII | re.DOTALL)


def parse(kind: type[UnitT], value: object) -> UnitT:
    """Read what a person wrote; raises ValueError that says what is allowed."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _refused(kind, value)
    if not isinstance(value, str):
        return _plain(kind, value, value)
    match = NUMBER.fullmatch(value) if len(value) <= TEXT_CHARACTERS_MAX else None
    if match is None:
        raise _refused(kind, value)
    number, unit = float(match[1]), match[2]
    if not unit:
        return _plain(kind, number, value)
    if unit not in FACTORS[kind]:
        raise _refused(kind, value, _meant(unit, kind))
    return _made(kind, number / 100 if unit == "%" else number * FACTORS[kind][unit], value)


def written(kind: type[Unit], value: float) -> str:
    """Return the shortest text that `parse` reads back as this number, in the largest unit among equals."""
    plain = f"{value!r}".removesuffix(".0") + _suffix(kind, BASE.get(kind, ""))
    texts = [f"{value / factor:.9g}{_suffix(kind, unit)}" for unit, factor in _sensible(kind, value)]
    return min([*(text for text in texts if parse(kind, text) == value), plain], key=len)


def shown(value: object) -> str:
    """Return a value of a file as it may stand in a message: in one line and not too long."""
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "an array"
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, str | bool) else repr(value)
    text = "".join(part if part.isprintable() else part.encode("unicode_escape").decode() for part in text)
    return text if len(text) <= TEXT_CHARACTERS_MAX else text[: TEXT_CHARACTERS_MAX - 3] + "..."


def _plain(kind: type[UnitT], number: float, value: object) -> UnitT:
    """Take a number without a unit."""
    if kind in (Duration, Rate) and number != 0:
        raise _refused(kind, value, "; it needs a unit")
    return _made(kind, number, value)


def _made(kind: type[UnitT], number: float, value: object) -> UnitT:
    try:
        finite = isfinite(number)
    except OverflowError:
        finite = False
    if not finite or (kind is Size and number != int(number)):
        raise _refused(kind, value)
    return kind(number)


def _refused(kind: type, value: object, advice: str = "") -> ValueError:
    return ValueError(f"must be {ALLOWED[kind]}, not {shown(value)}{advice}")


def _meant(unit: str, kind: type) -> str:
    by_lower = {known.lower(): known for known in FACTORS[kind]}
    close = get_close_matches(unit.lower(), by_lower, n=1)
    known = by_lower[close[0]] if close else LONG_NAMES.get(unit.lower().removesuffix("s"))
    return f'; did you mean the unit "{known}"?' if known in FACTORS[kind] else ""


def _sensible(kind: type, value: float) -> list[tuple[str, float]]:
    """Return the units in which people would write the number, the largest first."""
    if kind is Size:
        return [(unit, factor) for unit, factor in SIZES.items() if value and value % factor == 0]
    return [(unit, factor) for unit, factor in FACTORS[kind].items() if abs(value) >= factor or unit == "%"]


def _suffix(kind: type, unit: str) -> str:
    return f" {unit}" if kind in (Size, Rate) else unit
