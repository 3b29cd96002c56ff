"""Numbers with units: what may be written, what is refused with what words, and the way back to text."""

from __future__ import annotations

import pytest

from mesh99.simulations.scenario.units import (
    Duration,
    Multiple,
    Rate,
    Share,
    Size,
    Unit,
    count_of,
    parse,
    shown,
    written,
)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Duration, "80ms", 0.08),
        (Duration, "250us", 0.00025),
        (Duration, "30s", 30),
        (Duration, "15 m", 900),
        (Duration, " 1.5h ", 5400),
        (Duration, "2d", 172_800),
        (Duration, "1y", 31_536_000),
        (Duration, "1e3s", 1000),
        (Duration, "-10s", -10),
        (Duration, 0, 0),
        (Duration, "0", 0),
        (Share, 0.25, 0.25),
        (Share, "25%", 0.25),
        (Share, "0.25", 0.25),
        (Share, 1, 1),
        (Multiple, "250%", 2.5),
        (Size, 1500, 1500),
        (Size, "1500", 1500),
        (Size, "64 KiB", 65_536),
        (Size, "1.5KiB", 1536),
        (Size, "1 MB", 1_000_000),
        (Rate, "10 Mbit/s", 1_250_000),
        (Rate, "1 MB/s", 1_000_000),
        (Rate, "1 KiB/s", 1024),
    ],
)
def test_what_people_write_is_read(kind: type[Unit], text: object, value: float) -> None:
    read = parse(kind, text)
    assert read == value
    assert type(read) is kind


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        (Duration, "80 parsecs", '"80 parsecs"'),
        (Duration, "5 min", 'did you mean the unit "m"?'),
        (Duration, "5 seconds", 'did you mean the unit "s"?'),
        (Duration, 5, "not 5; it needs a unit"),
        (Duration, "5", "it needs a unit"),
        (Duration, "1h30m", '"1h30m"'),
        (Duration, "", 'not ""'),
        (Duration, True, "not true"),
        (Duration, ["1s"], "not an array"),
        (Duration, float("nan"), "not nan"),
        (Duration, "1e999s", '"1e999s"'),
        (Share, "a lot", 'such as 0.25 or "25%"'),
        (Share, float("inf"), "not inf"),
        (Share, 10**400, "not 1000"),
        (Size, 1.5, "a number of bytes"),
        (Size, "0.3 B", "a number of bytes"),
        (Size, "64 kib", 'did you mean the unit "KiB"?'),
        (Rate, "10 mbit/s", 'did you mean the unit "Mbit/s"?'),
        (Rate, "10 MB", '"10 Mbit/s"'),
        (Rate, 10, "it needs a unit"),
    ],
)
def test_what_is_wrong_is_said_with_what_is_allowed(kind: type[Unit], text: object, words: str) -> None:
    with pytest.raises(ValueError, match=r"^must be ") as caught:
        parse(kind, text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Duration(0.08), "80ms"),
        (Duration(90), "90s"),
        (Duration(5400), "90m"),
        (Duration(13_176), "3.66h"),
        (Duration(86_400), "1d"),
        (Duration(31_536_000), "1y"),
        (Duration(0), "0s"),
        (Duration(1 / 3), "0.3333333333333333s"),
        (Share(0.25), "25%"),
        (Share(0.005), "0.5%"),
        (Share(0), "0"),
        (Multiple(2.5), "2.5"),
        (Size(65_536), "64 KiB"),
        (Size(1500), "1500 B"),
        (Size(1_000_000), "1 MB"),
        (Rate(1_250_000), "10 Mbit/s"),
        (Rate(1_000_000), "1 MB/s"),
    ],
)
def test_numbers_are_written_as_people_would(value: Unit, text: str) -> None:
    assert written(type(value), value) == text
    assert parse(type(value), text) == value


def test_a_value_in_a_message_is_short_and_in_one_line() -> None:
    assert shown("a\nb") == '"a\\nb"'
    assert len(shown("x" * 1000)) == 60
    assert shown({"a": 1}) == "a table"
    assert "\udce4" not in shown("\udce4")


@pytest.mark.parametrize(
    ("share", "total", "count"),
    [(0.04, 10, 1), (0.0, 10, 0), (0.5, 0, 0), (0.3, 10, 3), (1.0, 7, 7), (5.0, 50, 250)],
)
def test_a_share_of_few_is_one_at_least(share: float, total: int, count: int) -> None:
    assert count_of(share, total) == count
