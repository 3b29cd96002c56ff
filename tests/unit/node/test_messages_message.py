"""Message classes: fields, names, versions, validation on the sender's side, JSON, schema."""

from __future__ import annotations

import datetime
from typing import Annotated, Any

import msgspec
import pytest

from mesh99.node.messages import InvalidMessage, Message
from mesh99.node.messages import message as message_module
from mesh99.node.messages.message import CLASSES_MAX, MessageMeta, message_class
from mesh99.wire.errors import ConfigError, LocalError


class Summarize(Message):
    """Ask for a summary."""

    text: str
    words: int = 50


class Part(msgspec.Struct):
    name: str
    size: Annotated[int, msgspec.Meta(ge=0)] = 0


class Upload(Message, type_name="upload", version=3):
    data: bytes
    parts: tuple[Part, ...] = ()
    labels: dict[str, int] = msgspec.field(default_factory=dict)
    taken: datetime.datetime | None = None


class Release(Message):
    """Fields may have the names of what a Message has itself."""

    version: str  # type: ignore[assignment, misc]
    type_name: str  # type: ignore[misc]
    encode: int = 1  # type: ignore[assignment]


class Tree(Message):
    children: list[Tree] = msgspec.field(default_factory=list)


class Span(Message):
    begin: int
    end: int

    def __post_init__(self) -> None:
        if self.end < self.begin:
            raise ValueError("end is before begin")


def problem_with(message: Message) -> tuple[str, str]:
    with pytest.raises(InvalidMessage) as caught:
        message.validate()
    assert isinstance(caught.value, LocalError)
    return caught.value.field, caught.value.problem


def test_name_and_version_are_the_class_and_1_unless_given() -> None:
    assert (Summarize.type_name, Summarize.version) == ("Summarize", 1)
    assert (Upload.type_name, Upload.version) == ("upload", 3)
    assert (Upload(data=b"").type_name, Upload(data=b"").version) == ("upload", 3)


def test_a_subclass_has_its_own_name_and_version_and_inherits_fields() -> None:
    class Resumable(Upload):
        offset: int

    assert (Resumable.type_name, Resumable.version) == ("Resumable", 1)
    assert Resumable.decode(Resumable(data=b"x", offset=4).encode()) == Resumable(data=b"x", offset=4)


def test_fields_are_keywords_and_a_default_may_come_before_a_required_field() -> None:
    class Ordered(Message):
        first: int = 1
        second: str

    assert Ordered(second="b") == Ordered(first=1, second="b")
    with pytest.raises(TypeError):
        Ordered(1, "b")  # type: ignore[call-arg]


def test_a_message_survives_both_shapes() -> None:
    taken = datetime.datetime(2026, 11, 23, 12, 30, tzinfo=datetime.UTC)
    upload = Upload(data=b"\x00\xff", parts=(Part("a", 3),), labels={"x": 1}, taken=taken)
    assert Upload.decode(upload.encode()) == upload
    assert Upload.from_json(upload.to_json()) == upload
    assert '"data":"AP8="' in upload.to_json()


def test_fields_may_be_called_version_type_name_and_encode() -> None:
    release = Release(version="1.2.3", type_name="beta")
    release.validate()
    assert (release.version, release.type_name) == ("1.2.3", "beta")
    assert Release.from_json(release.to_json()) == release
    assert message_class("Release") is Release


@pytest.mark.parametrize(
    ("message", "field", "problem"),
    [
        (Summarize(text=1), "text", "expected str, got int"),  # type: ignore[arg-type]
        (Summarize(text="a", words="b"), "words", "expected int, got str"),  # type: ignore[arg-type]
        (Summarize(text="a", words=2**70), "", "can't serialize ints < -2**63 or > 2**64 - 1"),
        (Upload(data=b"", parts=(Part("a"), Part("b", -1))), "parts[1].size", "expected int >= 0"),
        (Upload(data=b"", labels={"x": "y"}), "labels[...]", "expected int, got str"),  # type: ignore[dict-item]
        (Upload(data=b"", labels={1: 1}), "labels", "expected str, got int"),  # type: ignore[dict-item]
        (Upload(data=b"", parts=(object(),)), "", "encoding objects of type object is unsupported"),  # type: ignore[arg-type]
    ],
)
def test_an_invalid_message_names_the_field(message: Message, field: str, problem: str) -> None:
    assert problem_with(message) == (field, problem)


def test_a_message_that_contains_itself_is_invalid() -> None:
    tree = Tree()
    tree.children.append(tree)
    assert problem_with(tree)[0] == ""


def test_a_lone_surrogate_is_invalid() -> None:
    assert "surrogates" in problem_with(Summarize(text="\ud800"))[1]


def test_a_rule_of_the_class_itself_holds_for_what_comes_from_the_wire() -> None:
    good = Span(begin=1, end=2)
    good.validate()
    good.end = 0
    assert problem_with(good) == ("", "end is before begin")


def test_the_text_names_type_and_field_and_the_hint_the_fields() -> None:
    with pytest.raises(InvalidMessage) as caught:
        Summarize.from_json('{"words": 3}')
    assert str(caught.value) == "Summarize.text: is missing"
    assert caught.value.hint == "Summarize has text, words (optional)"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('{"data": ""}', None),
        ('{"data": "", "unknown": [1, {}]}', None),
        ('{"data": 1}', "data"),
        ('{"data": "", "parts": [{}]}', "parts[0].name"),
        ("[]", ""),
        ("{", ""),
        ("", ""),
        ("[" * 100_000, ""),
    ],
)
def test_json_is_validated(text: str, field: str | None) -> None:
    if field is None:
        assert Upload.from_json(text) == Upload(data=b"")
        return
    with pytest.raises(InvalidMessage) as caught:
        Upload.from_json(text)
    assert caught.value.field == field


@pytest.mark.parametrize(
    "body", [b"", b"\xc4", b"\xc4\x02{", b"\x93\x01", b"\xc1", b"\x91" * 100_000, b"\x81\xa4text\xa2\xff\xfe"]
)
def test_bytes_that_do_not_parse_are_an_invalid_message(body: bytes) -> None:
    with pytest.raises(InvalidMessage):
        Summarize.decode(body)


def test_a_field_may_view_its_bytes_instead_of_copying_them() -> None:
    class Block(Message):
        payload: memoryview

    body = Block(payload=memoryview(b"z" * 1000)).encode()
    assert Block.decode(body).payload.obj is body


@pytest.mark.parametrize("name", [" ", "a b", "a\n", "x" * 129, "none", "error"])
def test_a_bad_type_name_is_refused_where_it_is_written(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        MessageMeta("Bad", (Message,), {}, type_name=name)
    assert caught.value.field == "type_name"


@pytest.mark.parametrize("version", [0, -1, 65_536])
def test_a_bad_version_is_refused(version: int) -> None:
    with pytest.raises(ConfigError, match="version"):
        MessageMeta("Bad", (Message,), {}, version=version)


def test_a_class_whose_fields_cannot_travel_is_a_config_error() -> None:
    class Odd(Message):
        value: complex | object | range | Any = 1
        other: type[int] | int = 1

    with pytest.raises(ConfigError) as caught:
        Odd().validate()
    assert caught.value.field == "Odd"


def test_the_class_defined_last_has_the_name() -> None:
    first = MessageMeta("Twice", (Message,), {})
    assert message_class("Twice") is first
    second = MessageMeta("Twice", (Message,), {})
    assert message_class("Twice") is second
    assert message_class("Message") is None


def test_the_names_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message_module, "_classes", {})
    for number in range(CLASSES_MAX + 10):
        name = f"Made{number}"
        message_module._remember(type("Fake", (), {"_form": type("F", (), {"type_name": name})}))
    assert len(message_module._classes) == CLASSES_MAX
    assert message_class("Made9") is None
    assert message_class("Made10") is not None


def test_schema_describes_the_fields() -> None:
    assert Summarize.schema() == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Summarize",
        "description": "Ask for a summary.",
        "type": "object",
        "properties": {"text": {"type": "string"}, "words": {"type": "integer", "default": 50}},
        "required": ["text"],
    }


def test_schema_of_nested_and_recursive_classes_holds_what_it_refers_to() -> None:
    assert list(Upload.schema()["$defs"]) == ["Part"]
    schema = Tree.schema()
    assert schema["properties"]["children"]["items"] == {"$ref": "#/$defs/Tree"}
    assert list(schema["$defs"]) == ["Tree"]
