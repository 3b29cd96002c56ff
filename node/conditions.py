"""Conditions on attributes: `version>=2`, `region=eu`, `tags=fr`, `load<=0.8`, `gpu!=none`.

`=` on a list means that it holds the text. Numbers compare as numbers, dotted numbers part by part (2.10 is above 2.9,
and 2 is 2.0), everything else only as equal or not. What an agent does not say fits no condition but `!=`.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..wire.attributes import NAME, VERSION, Attributes, Value
from ..wire.errors import ConfigError

CONDITIONS_MAX = 16
FORM = re.compile(rf"\s*({NAME.pattern})\s*(<=|>=|!=|=|<|>)\s*(.*?)\s*", re.DOTALL)
NUMBER = re.compile(r"-?[0-9]{1,16}(\.[0-9]{1,16})?")
HINT = "as in version>=2, region=eu, tags=fr, load<=0.8"

ORDERS: dict[str, Callable[[int, int], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on one attribute."""

    name: str
    operator: str
    wanted: str

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Read `NAME OPERATOR VALUE`; raises ConfigError."""
        match = FORM.fullmatch(text)
        if match is None or not match[3] or match[3][0] in "<>=!":
            raise ConfigError("where", f"{text!r} is no NAME, one of = != < <= > >=, VALUE", HINT)
        name, sign, wanted = match.groups()
        if sign in ORDERS and not (NUMBER.fullmatch(wanted) or VERSION.fullmatch(wanted)):
            raise ConfigError("where", f"{text!r} orders by {wanted!r}, which is no number", HINT)
        return cls(name, sign, wanted)

    def fits(self, attributes: Attributes) -> bool:
        """Tell whether attributes meet this."""
        have = attributes.get(self.name)
        if self.operator in ORDERS:
            order = None if have is None else _order(have, self.wanted)
            return order is not None and ORDERS[self.operator](order, 0)
        return _equals(have, self.wanted) == (self.operator == "=")

    def __str__(self) -> str:
        return f"{self.name}{self.operator}{self.wanted}"


@dataclass(frozen=True, slots=True)
class Conditions:
    """All of which must be met."""

    each: tuple[Condition, ...] = ()

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Conditions:
        """Read several; raises ConfigError."""
        each = tuple(Condition.parse(text) for text in texts)
        if len(each) > CONDITIONS_MAX:
            raise ConfigError("where", f"{len(each)} conditions where at most {CONDITIONS_MAX} are allowed")
        return cls(each)

    def fit(self, attributes: Attributes) -> bool:
        """Tell whether attributes meet all of these."""
        return all(condition.fits(attributes) for condition in self.each)


def _equals(have: Value | None, wanted: str) -> bool:
    if have is None or isinstance(have, tuple):
        return wanted in (have or ())
    order = _order(have, wanted)
    return have == wanted if order is None else order == 0


def _order(have: Value, wanted: str) -> int | None:
    """Return -1, 0 or 1 as what is had is below, at or above what is wanted; None when they do not compare."""
    if isinstance(have, int | float):
        number = float(wanted) if NUMBER.fullmatch(wanted) else None
        return None if number is None else (have > number) - (have < number)
    if isinstance(have, str) and VERSION.fullmatch(have) and VERSION.fullmatch(wanted):
        mine, other = _parts(have), _parts(wanted)
        return (mine > other) - (mine < other)
    return None


def _parts(version: str) -> list[int]:
    parts = [int(part) for part in version.split(".")]
    while parts and parts[-1] == 0:
        parts.pop()
    return parts
