"""Who handles which messages: plain or async functions of a message, or of a message and its Header."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from ...wire.errors import ConfigError
from .envelope import Envelope
from .errors import UNKNOWN_TYPE, VERSION, Refused
from .form import ANY_VERSION, Form
from .message import Message

ECHO = "echo"
"""The type that every node answers with the body it was given."""

NAMES_IN_HINT_MAX = 10
"""Types named to a peer that asked for one that is not handled here."""


class Handler(NamedTuple):
    """A function and what it takes."""

    form: Form[Any]
    function: Callable[..., Any]
    takes_header: bool


class Handlers:
    """Find handlers by type name; several versions of a type may be handled side by side."""

    def __init__(self, types_max: int) -> None:
        self._types_max = types_max
        self._by_type: dict[bytes, dict[int, Handler]] = {}

    def add(self, message_class: type[Message], function: Callable[..., Any]) -> None:
        """Handle a class with a function, instead of an earlier one; raises ConfigError."""
        if not isinstance(message_class, type) or not issubclass(message_class, Message):
            raise ConfigError("message type", f"{message_class!r} is not one", "give a subclass of Message")
        form = message_class._form
        if form.type_name == ECHO:
            raise ConfigError("message type", "every node handles echo already", "give the type another name")
        versions = self._by_type.get(form.type_name.encode(), {})
        if not versions and len(self._by_type) >= self._types_max:
            raise ConfigError("message type", f"{self._types_max} types are handled already")
        _ = form.parse  # a class that cannot be decoded is found out here, not at the first request
        versions[form.version] = Handler(form, function, takes_header(form.type_name, function))
        versions[ANY_VERSION] = versions[max(versions)]
        self._by_type[form.type_name.encode()] = versions

    def find(self, envelope: Envelope) -> Handler:
        """Return the handler of an envelope's type and version; raises Refused."""
        try:
            return self._by_type[envelope.type_name][envelope.version]
        except KeyError:
            raise self._no_handler(envelope) from None

    def types(self) -> list[str]:
        """Return the names of the types handled here."""
        return sorted([name.decode() for name in self._by_type] + [ECHO])

    def _no_handler(self, envelope: Envelope) -> Refused:
        name = envelope.type_name.decode(errors="replace")
        versions = self._by_type.get(envelope.type_name)
        if versions is None:
            names = self.types()
            more = ", ..." if len(names) > NAMES_IN_HINT_MAX else ""
            hint = f"there are handlers for {', '.join(names[:NAMES_IN_HINT_MAX])}{more}"
            return Refused(UNKNOWN_TYPE, f"nothing handles {name}", hint=hint)
        handled = ", ".join(str(version) for version in sorted(versions) if version != ANY_VERSION)
        hint = "update the older side"
        return Refused(VERSION, f"{name} has version {handled} here, not {envelope.version}", hint=hint)


def takes_header(type_name: str, function: Callable[..., Any]) -> bool:
    """Tell whether a function is to be called with (message, header); raises ConfigError if it cannot be called at all.

    A second parameter with a default gets the header only if it is called `header`.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some built-in functions do not tell
        return False
    if not _accepts(signature, 2):
        if _accepts(signature, 1):
            return False
        raise ConfigError("handler", f"of {type_name} must take (request) or (request, header)")
    return not _accepts(signature, 1) or "header" in signature.parameters


def _accepts(signature: inspect.Signature, count: int) -> bool:
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True
