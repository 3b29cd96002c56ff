"""Build markup from text that is always escaped; what comes out is well-formed HTML and XML alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

NOT_FOR_PAGES = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufffe\uffff]"
)
"""Characters that HTML and XML forbid, and direction marks, which would let text look like other text."""

REPLACEMENT = "\ufffd"


class Markup(str):
    """Text that is markup already, and is not escaped again."""

    __slots__ = ()


def escaped(text: object) -> Markup:
    """Return text as markup; markup stays what it is."""
    if isinstance(text, Markup):
        return text
    return Markup(escape(NOT_FOR_PAGES.sub(REPLACEMENT, str(text)), quote=True))


def element(name: str, *children: object, **attributes: object) -> Markup:
    """Return an element; `class_` gives the attribute `class`, `aria_label` gives `aria-label`."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escaped(value)}"' for key, value in attributes.items()
    )
    return Markup(f"<{name}{written}>{joined(children)}</{name}>")


def joined(parts: Iterable[object]) -> Markup:
    """Return parts one after the other."""
    return Markup("".join(escaped(part) for part in parts))


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[object]], *, names: int = 1) -> Markup:
    """Return a table that scrolls by itself on a narrow page; the first `names` columns hold names, not numbers."""
    heads = [element("th", text, scope="col", **_kind(index, names)) for index, text in enumerate(head)]
    body = [element("tr", *_cells(row, names)) for row in rows]
    content = [
        element("caption", caption),
        element("thead", element("tr", *heads)),
        element("tbody", *body),
    ]
    # Who moves by keyboard must be able to scroll it too.
    return element(
        "div", element("table", *content), class_="scroll", tabindex=0, role="region", aria_label=caption
    )


def _cells(row: Sequence[object], names: int) -> list[Markup]:
    first = element("th", row[0], scope="row")
    return [first, *(element("td", cell, **_kind(index, names)) for index, cell in enumerate(row[1:], 1))]


def _kind(index: int, names: int) -> dict[str, str]:
    return {} if index < names else {"class_": "number"}
