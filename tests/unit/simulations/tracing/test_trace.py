"""Traces: what is written is read, forwards and backwards, whole files and broken ones."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from mesh99.simulations.tracing.trace import TraceHeader, TraceReader, TraceWriter, is_trace
from mesh99.simulations.tracing.trace_record import NOBODY, Kind, Record, content_of
from mesh99.wire.errors import ConfigError

HEADER = TraceHeader(scenario="churn", seed=7, code="sources 1", definition='name = "churn"\n')
END_BYTES = 13
PACKET = b"a packet of some bytes"


def _write(path: Path, count: int = 3) -> Path:
    writer = TraceWriter(path, HEADER)
    for number in range(1, count + 1):
        writer.call(number, number - 1, number * 1000, number % 5, f"Timer.{number % 3}")
        writer.packet(number, number * 1000 + 1, number % 5, NOBODY if number == 2 else 4, PACKET)
        writer.call(number + 100, number, number * 1000 + 2, 4, "Host._receive", PACKET)
    writer.close()
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    reader = TraceReader(_write(tmp_path / "trace", 1))
    assert reader.header == HEADER
    assert list(reader) == [
        Record(kind=Kind.CALL, event=1, parent=0, time_ns=1000, node=1, label="Timer.1"),
        Record(
            kind=Kind.PACKET,
            event=0,
            parent=1,
            time_ns=1001,
            node=1,
            receiver=4,
            size=len(PACKET),
            content=content_of(PACKET),
        ),
        Record(
            kind=Kind.CALL,
            event=101,
            parent=1,
            time_ns=1002,
            node=4,
            size=len(PACKET),
            content=content_of(PACKET),
            label="Host._receive",
        ),
    ]
    assert reader.complete


def test_records_are_told_in_a_line(tmp_path: Path) -> None:
    timer, sent, arrival, *_ = TraceReader(_write(tmp_path / "trace", 2))
    assert timer.text == "0.000001000 s  node 1     runs Timer.1 (event 1)"
    content = content_of(PACKET).hex()
    assert sent.text == f"0.000001001 s  node 1     sends packet {content}, 22 bytes, to node 4"
    assert arrival.text == f"0.000001002 s  node 4     receives packet {content}, 22 bytes (event 101)"
    to_nobody = [record.text for record in TraceReader(tmp_path / "trace") if record.receiver == NOBODY]
    assert len(to_nobody) == 1
    assert to_nobody[0].endswith("to nobody")


@pytest.mark.parametrize("block_bytes", [100, 1 << 20])
def test_backwards_gives_the_same_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block_bytes: int
) -> None:
    monkeypatch.setattr("mesh99.simulations.tracing.trace.BLOCK_BYTES", block_bytes)
    reader = TraceReader(_write(tmp_path / "trace", 20))
    records = list(reader)
    assert len(records) == 60
    assert list(reader.backwards(records[-1].offset)) == records[-2::-1]
    assert list(reader.backwards(records[7].offset)) == records[6::-1]


def test_every_beginning_of_a_file_gives_its_whole_records(tmp_path: Path) -> None:
    whole = _write(tmp_path / "whole", 2).read_bytes()
    reader = TraceReader(tmp_path / "whole")
    records = list(reader)
    first = records[0].offset - 13  # the label of the first call comes before it
    ends = [record.offset for record in records[1:]]
    for size in range(first, len(whole), 3):
        (tmp_path / "part").write_bytes(whole[:size])
        part = TraceReader(tmp_path / "part")
        read = list(part)
        assert read == records[: len(read)]
        assert len(read) >= sum(end <= size for end in ends) - 1
        assert not part.complete


def test_a_trace_without_an_end_is_known(tmp_path: Path) -> None:
    path = _write(tmp_path / "trace")
    path.write_bytes(path.read_bytes()[:-END_BYTES])
    reader = TraceReader(path)
    assert len(list(reader)) == 9
    assert not reader.complete


def test_damage_inside_is_named_with_its_place(tmp_path: Path) -> None:
    path = _write(tmp_path / "trace")
    data = bytearray(path.read_bytes())
    third = list(TraceReader(path))[2].offset
    data[third + 1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ConfigError, match=f"is damaged at byte {third}"):
        list(TraceReader(path))


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"m99trc1\n", b"m99trc1\n\0\0\0\x09{}", b"m99trc1\n\xff\xff\xff\xff{}"]
)
def test_a_file_that_is_no_trace_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"file: is not a trace") as caught:
        TraceReader(path)
    assert caught.value.hint is not None


def test_a_trace_is_known_by_its_beginning(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text("{}")
    assert is_trace(_write(tmp_path / "trace"))
    assert not is_trace(tmp_path / "result.json")


def test_a_trace_may_begin_late(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "trace", HEADER, from_s=2e-6)
    for number in range(5):
        writer.call(number, 0, number * 1000, 0, "tick")
        writer.packet(number, number * 1000, 1, 2, PACKET)
    writer.close()
    assert [record.time_ns for record in TraceReader(tmp_path / "trace")] == [
        2000,
        2000,
        3000,
        3000,
        4000,
        4000,
    ]


def test_a_writer_goes_on_in_the_file_where_it_was_put_aside(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "trace", HEADER)
    writer.call(1, 0, 1, 0, "before")
    aside = pickle.dumps(writer)
    writer.call(2, 0, 2, 0, "lost")
    writer.close()
    again: TraceWriter = pickle.loads(aside)
    again.call(2, 0, 2, 0, "before")
    again.call(3, 0, 3, 0, "after")
    again.close()
    reader = TraceReader(tmp_path / "trace")
    assert [(record.event, record.label) for record in reader] == [(1, "before"), (2, "before"), (3, "after")]
    assert reader.complete


def test_more_labels_than_there_is_room_for_share_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mesh99.simulations.tracing.trace.LABELS_MAX", 3)
    writer = TraceWriter(tmp_path / "trace", HEADER)
    for label in ("a", "b", "c", "d", "a"):
        writer.call(1, 0, 1, 0, label)
    writer.close()
    labels = [record.label for record in TraceReader(tmp_path / "trace")]
    assert labels == ["a", "b", "(another callback)", "(another callback)", "a"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        TraceWriter(tmp_path / "nowhere" / "trace", HEADER)
