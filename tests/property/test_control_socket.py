"""Any bytes on the control socket: an answer in JSON or a closed connection, and the server goes on."""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from mesh99.node.control import ControlConfig, ControlServer
from mesh99.node.control_commands import COMMANDS
from mesh99.node.control_protocol import SOCKET_NAME
from mesh99.wire.errors import NodeClosed

BODY = b'{"type": "echo", "to": "x"}'
CALL = b"POST /call/request HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
CONFIG = ControlConfig(silence_s=0.02, body_bytes_max=10_000)

paths = st.sampled_from([*COMMANDS, "nosuch", ""]) | st.text(max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
names = st.sampled_from(["peer", "key", "value", "type", "to", "capability", "timeout_s", "count", "phase"])
bodies = st.binary(max_size=64) | st.dictionaries(names, json_values).map(
    lambda value: json.dumps(value).encode()
)


class ClosedNode:
    """Refuses everything, as a node does that has stopped."""

    def __getattr__(self, name: str) -> object:
        def refuse(*_: object, **__: object) -> object:
            raise NodeClosed(name)

        return refuse


@st.composite
def calls(draw: st.DrawFn) -> bytes:
    """Draw a call with a correct head and any body."""
    body = draw(bodies)
    path = draw(paths).encode("utf-8", "replace")
    return b"POST /call/" + path + b" HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body


@st.composite
def damaged_calls(draw: st.DrawFn) -> bytes:
    """Draw a good call with some bytes replaced, or cut."""
    data = bytearray(CALL)
    for _ in range(draw(st.integers(1, 4))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(0, len(data)))])


@settings(max_examples=60)
@given(st.lists(st.binary(max_size=300) | calls() | damaged_calls(), min_size=1, max_size=8))
def test_any_bytes_are_answered_in_json_or_dropped(streams: list[bytes]) -> None:
    asyncio.run(check(streams))


async def check(streams: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        server = ControlServer(ClosedNode(), Path(directory), CONFIG)  # type: ignore[arg-type]
        await server.start()
        try:
            for answer in await asyncio.gather(*(ask(directory, data) for data in streams)):
                check_answer(answer)
            assert b'"kind":"NodeClosed"' in await ask(directory, CALL)
        finally:
            await server.stop()


async def ask(directory: str, data: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(f"{directory}/{SOCKET_NAME}")
    writer.write(data)
    try:
        async with asyncio.timeout(10):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


def check_answer(answer: bytes) -> None:
    """An answer is an error in JSON, never a trace."""
    if not answer:
        return
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split()[1].startswith(b"4"), answer
    if not answer.startswith(b"HTTP/1.1 405") or body:  # HEAD has no body
        assert set(json.loads(body)) == {"error", "hint", "kind", "exit_code"}
        assert b"Traceback" not in body
