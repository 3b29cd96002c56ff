"""Message: a typed value that agents send each other.

    class Summarize(Message):
        text: str
        words: int = 50

A subclass is a msgspec Struct whose annotations are its schema. Both sides validate: the sender before anything leaves,
the receiver before a handler runs. Fields that a receiver does not know are ignored, so that a sender may be newer. A
change that an older receiver would misunderstand gets a new version: `class Summarize(Message, version=2)`.

A message that does no harm when it comes twice may say so: `class Moved(Message, idempotent=True)`. Sent to a peer that
has to be called first, it rides in the first packet and is there a round trip earlier.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self, dataclass_transform

import msgspec

from ...wire.errors import ConfigError
from .form import Body, Form

CLASSES_MAX = 4096
"""Message classes known by name in this process. Programs write them by hand: more means they are made in a loop."""

_classes: dict[str, type[Message]] = {}


class MessageMeta(msgspec.StructMeta):
    """Give each message class its type name, its version and keyword fields, and remember it by name."""

    _form: Form[Any]

    def __new__(
        mcs,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        *,
        type_name: str | None = None,
        version: int = 1,
        idempotent: bool = False,
        **options: Any,
    ) -> Any:
        """Create a class; raises ConfigError for a type name or version that cannot be."""
        options.setdefault("kw_only", True)
        cls: Any = super().__new__(mcs, name, bases, namespace, **options)
        cls._form = form = Form(cls, type_name or name, version, idempotent=idempotent)
        for attribute in ("type_name", "version"):
            if attribute not in cls.__struct_fields__:  # a field may have that name too
                setattr(cls, attribute, getattr(form, attribute))
        if any(isinstance(base, mcs) for base in bases):
            _remember(cls)
        return cls


@dataclass_transform(kw_only_default=True, field_specifiers=(msgspec.field,))
class Message(msgspec.Struct, metaclass=MessageMeta):
    """Base of all typed messages; subclasses declare fields, all of them keywords."""

    type_name: ClassVar[str]
    """Name on the wire: the class's own unless given."""
    version: ClassVar[int]
    """Version of the class: 1 unless given."""
    _form: ClassVar[Form[Any]]

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """Return the JSON Schema (2020-12) of the class; its docstring is the description."""
        schema = msgspec.json.schema(cls)
        definitions = schema["$defs"]
        own_name = schema["$ref"].rpartition("/")[2]
        top = {"$schema": "https://json-schema.org/draft/2020-12/schema", **definitions[own_name]}
        is_recursive = msgspec.json.encode(schema["$ref"]) in msgspec.json.encode(definitions)
        others = {name: each for name, each in definitions.items() if is_recursive or name != own_name}
        return {**top, "$defs": others} if others else top

    def validate(self) -> None:
        """Raise InvalidMessage, which names the field, unless every field fits its annotation."""
        type(self)._form.encode(self)

    def encode(self) -> bytes:
        """Return the body in MessagePack; raises InvalidMessage."""
        return type(self)._form.encode(self)

    @classmethod
    def decode(cls, body: Body) -> Self:
        """Read and validate a body; raises InvalidMessage."""
        message: Self = cls._form.decode(body)[0]
        return message

    def to_json(self) -> str:
        """Return the JSON text; raises InvalidMessage."""
        return type(self)._form.encode_json(self).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read and validate a JSON text; raises InvalidMessage."""
        message: Self = cls._form.decode_json(text)
        return message


def message_class(type_name: str) -> type[Message] | None:
    """Return the class of this type name that was defined last, if there is one in this process."""
    return _classes.get(type_name)


def form_of(message: Message) -> Form[Any]:
    """Return the form of a message; raises ConfigError for what is none."""
    try:
        return type(message)._form
    except AttributeError:
        hint = "send an instance of a subclass of Message"
        raise ConfigError("message", f"is a {type(message).__name__}", hint) from None


def _remember(cls: type[Message]) -> None:
    name = cls._form.type_name
    _classes.pop(name, None)
    if len(_classes) >= CLASSES_MAX:
        del _classes[next(iter(_classes))]
    _classes[name] = cls
