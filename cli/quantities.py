"""Amounts with units as people write them: 1Mbit, 10GB."""

from __future__ import annotations

import re

import click

BIT_UNITS = {"bit": 1, "kbit": 10**3, "mbit": 10**6, "gbit": 10**9}
BYTE_UNITS = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}


class Quantity(click.ParamType[int]):
    """A number above 0 with a unit; the value is in the smallest unit."""

    name = "quantity"

    def __init__(self, units: dict[str, int], example: str) -> None:
        self._units = units
        self._example = example

    def convert(self, value: object, parameter: click.Parameter | None, context: click.Context | None) -> int:
        """Return the amount; fails as wrong usage."""
        match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?([a-z]+)", str(value).strip().lower())
        amount = float(match[1]) * self._units.get(match[2], 0) if match else 0.0
        if amount < 1:
            self.fail(f"{value!r} is no amount such as {self._example}", parameter, context)
        return int(amount)


BITS_PER_S = Quantity(BIT_UNITS, "1Mbit (a second)")
BYTES = Quantity(BYTE_UNITS, "10GB")
