"""Any bytes at the sockets of a node that runs: it goes on, closes what makes no sense, and serves good peers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from node_world import until

from mesh99.node import Node
from mesh99.node.asyncio_host import AsyncioHost
from mesh99.node.overlay.line import Line
from mesh99.node.overlay.overlay import Overlay
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.stream_framing import length_prefix

BYTES = st.binary(max_size=200) | st.binary(min_size=1150, max_size=2500)
HEADS = st.sampled_from(
    [b"", *(bytes((kind,)) for kind in (0, 1, 0x40, *range(0x80, 0x87), *range(0xC0, 0xE0)))]
)
PACKETS = st.builds(bytes.__add__, HEADS, BYTES)
STREAMS = st.binary(max_size=300) | st.lists(
    PACKETS.filter(len).map(lambda p: length_prefix(p) + p), max_size=4
).map(b"".join)


class Pair:
    """A node under fire and a good peer, on a loop that the test runs."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.complaints: list[dict[str, Any]] = []
        self.loop.set_exception_handler(lambda loop, context: self.complaints.append(context))
        self.node = Node("node", registries=())
        self.loop.run_until_complete(self.node.start())
        self.endpoint = self.node.endpoints[0]
        self.peer = Node("peer", registries=(), peers=(str(self.endpoint),))
        self.loop.run_until_complete(self.peer.start())

    @property
    def overlay(self) -> Overlay:
        """The node's overlay."""
        assert self.node._running is not None
        return self.node._running.overlay

    @property
    def host(self) -> AsyncioHost:
        """The node's sockets."""
        assert self.node._running is not None
        return self.node._running.host

    def counted(self) -> int:
        """Return how many packets were dropped."""
        return sum(self.node.status().dropped.values())

    def until(self, condition: Any) -> None:
        """Run the loop until the condition holds."""
        self.loop.run_until_complete(until(condition))
        assert self.complaints == []

    def ask(self, question: object) -> object:
        """Let the peer ask the node."""
        return self.loop.run_until_complete(self.peer.call("echo", question, to=self.node.node_id)).reply

    def close(self) -> None:
        """Stop both."""
        for node in (self.peer, self.node):
            self.loop.run_until_complete(node.stop())
        self.loop.close()
        assert self.complaints == []


@pytest.fixture
def pair() -> Iterator[Pair]:
    found = Pair()
    yield found
    found.close()


def test_any_datagram_is_survived(pair: Pair) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.1", 0))

        @settings(max_examples=150)
        @given(st.lists(PACKETS, min_size=1, max_size=20))
        def fire(packets: list[bytes]) -> None:
            expected = pair.counted() + len(packets)
            for packet in packets:
                stranger.sendto(packet, (pair.endpoint.host, pair.endpoint.port))
            pair.until(lambda: pair.counted() >= expected)

        fire()
    assert pair.ask("still there?") == "still there?"
    assert len(pair.overlay.lines) == 1
    assert len(pair.node.status().dropped) < 40


def test_any_stream_is_survived(pair: Pair) -> None:
    address = (pair.endpoint.host, pair.endpoint.port)

    @settings(max_examples=150)
    @given(st.lists(STREAMS, min_size=1, max_size=3), st.booleans())
    def fire(streams: list[bytes], rude: bool) -> None:
        with ExitStack() as open_ends:
            for data in streams:
                stranger = open_ends.enter_context(socket.create_connection(address))
                if rude:  # a reset instead of an end
                    stranger.setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00"
                    )
                with suppress(OSError):
                    stranger.sendall(data)
            pair.loop.run_until_complete(asyncio.sleep(0.001))
        pair.until(lambda: not streams_of(pair))

    before = psutil.Process().num_fds()
    fire()
    pair.until(lambda: psutil.Process().num_fds() == before)
    assert pair.ask("still there?") == "still there?"


def test_a_stream_that_makes_no_sense_is_closed_at_once(pair: Pair) -> None:
    with socket.create_connection((pair.endpoint.host, pair.endpoint.port)) as stranger:
        stranger.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        stranger.setblocking(False)
        received: list[bytes] = []

        def ended() -> bool:
            with suppress(BlockingIOError, ConnectionResetError):
                received.append(stranger.recv(100))
                return received[-1] == b""
            return False

        pair.until(ended)
        assert received == [b""]


def test_any_message_of_a_peer_with_a_session_is_counted_or_answered(pair: Pair) -> None:
    assert pair.peer._running is not None
    running = pair.peer._running
    [line] = running.overlay.lines.current()
    answers: list[bytes] = []
    original = running.overlay.on_message

    def answered(_: Line, message: bytes) -> None:
        answers.append(bytes(message))

    running.overlay.on_message = answered
    handled = pair.node.conversations

    def outcome() -> int:
        dispatcher = handled._dispatcher
        assert dispatcher is not None
        return len(answers) + sum(handled.dropped.values()) + sum(dispatcher.dropped.values())

    @settings(max_examples=80)
    @given(st.lists(MESSAGES, min_size=1, max_size=5))
    def send(messages: list[bytes]) -> None:
        for message in messages:
            running.overlay.send_message(line, message, running.host.now())
        running.pump.kick()
        pair.until(lambda: line.session.queued_bytes == 0)

    send()
    assert outcome() > 0
    running.overlay.on_message = original
    assert pair.ask("still there?") == "still there?"


KINDS = st.sampled_from([1, 2, 3, 4]) | st.integers(0, 255)
TEXTS = st.sampled_from([b"echo", b"none", b""]) | st.binary(max_size=8)
MESSAGES = st.binary(max_size=300) | st.builds(
    lambda size, kind, number, text, version, rest: (
        bytes((0x90 | size, kind, 0xCF))
        + number.to_bytes(8, "big")
        + bytes((0xC4, len(text)))
        + text
        + bytes((version,))
        + rest
    ),
    st.integers(4, 7),
    KINDS,
    st.integers(0, 2**64 - 1),
    TEXTS,
    st.integers(0, 127),
    st.binary(max_size=40),
)


def streams_of(pair: Pair) -> dict[Endpoint, Any]:
    assert pair.host._streams is not None
    return pair.host._streams._streams
