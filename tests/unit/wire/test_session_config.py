"""Limits of a session are checked when they are set."""

from __future__ import annotations

import pytest

from mesh99.wire.errors import ConfigError
from mesh99.wire.session_config import SessionConfig


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("datagram_bytes", 100),
        ("datagram_bytes", 70_000),
        ("stream_packet_bytes", 100),
        ("stream_packet_bytes", 1 << 20),
        ("window_bytes", 1000),
        ("message_bytes_max", 0),
        ("send_buffer_bytes_max", 0),
        ("burst_packets_max", 0),
        ("rpcs_max", 0),
    ],
)
def test_a_wrong_value_names_its_field(field: str, value: int) -> None:
    with pytest.raises(ConfigError) as error:
        SessionConfig(**{field: value})
    assert error.value.field == f"session.{field}"
