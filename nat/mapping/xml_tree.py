"""Read XML from strangers: a bounded tree of names and texts, and nothing else of what XML can do.

A document type is refused, and with it every entity of its own (CWE-776, CWE-611). Names come without their prefixes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from ...wire.errors import DecodeError

ELEMENTS_MAX = 2000
"""Elements of a document; descriptions have about 200."""

DEPTH_MAX = 32
"""Deepest nesting; descriptions need twelve."""

_WHAT = "xml"


@dataclass(slots=True)
class Element:
    """A name, the text in it, and the elements in it."""

    name: str
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def every(self, name: str) -> Iterator[Element]:
        """Give the elements of a name, this one and all below it, in their order."""
        if self.name == name:
            yield self
        for child in self.children:
            yield from child.every(name)

    def text_of(self, name: str) -> str:
        """Return the text of the first child of a name, or nothing."""
        return next((child.text.strip() for child in self.children if child.name == name), "")


def parse(data: bytes) -> Element:
    """Read a document; raises DecodeError."""
    builder = _Builder()
    try:
        builder.parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError):
        raise DecodeError(_WHAT, "not well-formed") from None
    return builder.root


class _Builder:
    def __init__(self) -> None:
        self.root = Element("")
        self._open = [self.root]
        self._count = 0
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    def _doctype(self, *_: object) -> None:
        raise DecodeError(_WHAT, "document type")

    def _start(self, name: str, _: object) -> None:
        self._count += 1
        if self._count > ELEMENTS_MAX or len(self._open) > DEPTH_MAX:
            raise DecodeError(_WHAT, "too many elements")
        element = Element(name.rpartition(":")[2])
        self._open[-1].children.append(element)
        self._open.append(element)

    def _end(self, _: str) -> None:
        self._open.pop()

    def _text(self, text: str) -> None:
        self._open[-1].text += text
