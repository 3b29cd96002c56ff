"""Tables for people: one look for both benchmarks."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

WIDTH_MIN = 150  # in a pipe rich assumes 80 columns and would break every cell


def new_table(title: str, columns: tuple[str, ...]) -> Table:
    """Make a table whose first column is the system's name and whose others hold numbers."""
    table = Table(title=title, title_justify="left")
    table.add_column(columns[0], no_wrap=True)
    for column in columns[1:]:
        table.add_column(column, justify="right")
    return table


def show(*parts: Table | str) -> None:
    """Print tables and notes to stdout."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=max(console.width, WIDTH_MIN))
    for part in parts:
        console.print(part, soft_wrap=isinstance(part, str))


def number(value: float | None, digits: int = 3) -> str:
    """Write a number with so many significant digits and thousands apart; a dash for None."""
    if value is None:
        return "-"
    if value == 0 or abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    return f"{value:#.{digits}g}".rstrip(".")


def times(value: float | None) -> str:
    """Write a ratio."""
    return "-" if value is None else f"{value:.2f}x"
