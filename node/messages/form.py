"""Form: how one class of messages looks on the wire, and the only way from a message to bytes and back.

A body has one of two shapes. Programs that know the class send a MessagePack map of its fields. Programs that do not
(the command line, bridges) send a MessagePack `bin` that holds the JSON text of the same fields: JSON has its own ways
to write bytes, times and number keys, so the receiver must know which of the two it reads.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, Generic, TypeVar

import msgspec

from ...wire.errors import ConfigError
from .errors import MISFITS, InvalidMessage, field_and_problem

M = TypeVar("M", bound=msgspec.Struct)
Body = bytes | msgspec.Raw

TYPE_NAME_BYTES_MAX = 128
"""Long enough for any class; a name is sent with every message."""

VERSION_MAX = 65_535

ANY_VERSION = 0
"""Version of a request whose sender does not know the class: the receiver takes its newest."""

RESERVED_NAMES = ("error", "none")
"""Types of the answers that carry no message."""

BIN_KINDS = (b"\xc4", b"\xc5", b"\xc6")

pack = msgspec.msgpack.Encoder().encode
pack_json = msgspec.json.Encoder().encode


class Form(Generic[M]):
    """Encode and decode one message class, validating both ways."""

    def __init__(
        self, message_class: type[M], type_name: str, version: int, *, idempotent: bool = False
    ) -> None:
        check_type_name(type_name)
        if type_name in RESERVED_NAMES:
            raise ConfigError("type_name", f"{type_name!r} is reserved", "give the class another name")
        if not 1 <= version <= VERSION_MAX:
            raise ConfigError("version", f"of {type_name} is {version}, must be 1 to {VERSION_MAX}")
        self.message_class = message_class
        self.type_name = type_name
        self.version = version
        self.idempotent = idempotent
        """It does no harm when it comes twice."""
        self.label = pack(type_name.encode()) + pack(version)
        """Type and version as every envelope of this class repeats them."""

    @cached_property
    def parse(self) -> Callable[[Body], M]:
        """The validating MessagePack decoder, made at first use: annotations may name classes that come later."""
        return self._compiled(msgspec.msgpack.Decoder)

    @cached_property
    def parse_json(self) -> Callable[[bytes | str], M]:
        """The validating JSON decoder."""
        return self._compiled(msgspec.json.Decoder)

    def encode(self, message: M) -> bytes:
        """Return the body of a message; raises InvalidMessage.

        Constructors check no types; decoding what was just encoded does, at a fifth of a microsecond.
        """
        try:
            body = pack(message)
            self.parse(body)
        except MISFITS as error:
            raise self.invalid(error) from None
        return body

    def encode_json(self, message: M) -> bytes:
        """Return the JSON text of a message; raises InvalidMessage."""
        try:
            text = pack_json(message)
            self.parse_json(text)
        except MISFITS as error:
            raise self.invalid(error) from None
        return text

    def decode(self, body: Body) -> tuple[M, bool]:
        """Read a body; returns the message and whether it came as JSON text. Raises InvalidMessage."""
        try:
            return self.parse(body), False
        except MISFITS as error:
            misfit = error
        try:
            text = json_text(body)
            if text is not None:
                return self.parse_json(text), True
        except MISFITS as error:
            misfit = error
        raise self.invalid(misfit) from None

    def decode_json(self, text: bytes | str) -> M:
        """Read a JSON text; raises InvalidMessage."""
        try:
            return self.parse_json(text)
        except MISFITS as error:
            raise self.invalid(error) from None

    def invalid(self, error: Exception) -> InvalidMessage:
        """Say which field is at fault, and which fields there are."""
        return InvalidMessage(self.type_name, *field_and_problem(error), self.hint)

    @property
    def hint(self) -> str:
        """Name the fields, for a person who got one wrong."""
        fields = msgspec.structs.fields(self.message_class)
        names = [field.encode_name + ("" if field.required else " (optional)") for field in fields]
        return f"{self.type_name} has {', '.join(names)}" if names else f"{self.type_name} has no fields"

    def _compiled(self, decoder: Callable[[type[M]], Any]) -> Callable[[Any], M]:
        try:
            parse: Callable[[Any], M] = decoder(self.message_class).decode
        except (TypeError, NameError) as error:
            raise ConfigError(
                self.type_name, str(error), "see msgspec for the types a field may have"
            ) from None
        return parse


def json_text(body: Body) -> bytes | None:
    """Return the JSON text that a body holds, or None if it is MessagePack through and through; raises MISFITS."""
    if bytes(memoryview(body)[:1]) not in BIN_KINDS:
        return None
    return msgspec.msgpack.decode(body, type=bytes)


def check_type_name(type_name: str) -> None:
    """Raise ConfigError for what cannot be the name of a type."""
    if not 1 <= len(type_name.encode(errors="replace")) <= TYPE_NAME_BYTES_MAX:
        raise ConfigError("type_name", f"{type_name[:40]!r} must have 1 to {TYPE_NAME_BYTES_MAX} bytes")
    if not type_name.isprintable() or " " in type_name:
        raise ConfigError("type_name", f"{type_name!r} must be printable, without spaces")
