"""A peer that does not read holds back who writes to it, and costs bounded memory on both sides."""

from __future__ import annotations

import asyncio

import psutil
import pytest
from node_world import DEADLINE_S, Nodes, until

from mesh99.node import Message, Node, NodeConfig, NoPath
from mesh99.node.overlay.config import OverlayConfig
from mesh99.wire.errors import DeadlineExceeded

QUEUE_BYTES = 1024 * 1024


def patient(*, allow_tcp: bool = True, drain_s: float = 60.0) -> NodeConfig:
    """Bear silence for ten minutes, so that only back-pressure can hold a sender."""
    overlay = OverlayConfig(keepalive_s=600.0, quiet_keepalive_s=600.0, suspect_s=600.0, allow_tcp=allow_tcp)
    return NodeConfig(line_queue_bytes=QUEUE_BYTES, drain_s=drain_s, overlay=overlay)


class Blob(Message):
    number: int
    data: bytes


class Pause:
    """Take a node's sockets from its loop, as a stopped process does, and give them back."""

    def __init__(self, node: Node) -> None:
        running = node._running
        assert running is not None
        self._loop = running.host.loop
        self._network = running.host
        self._readers: dict[int, object] = {}

    def begin(self) -> None:
        """Read nothing any more."""
        datagrams, streams = self._network._datagrams, self._network._streams
        assert datagrams is not None
        assert streams is not None
        assert streams._listener is not None
        self._readers = {datagrams._socket.fileno(): datagrams._readable}
        self._readers[streams._listener.fileno()] = streams._acceptable
        self._readers |= {stream._socket.fileno(): stream._readable for stream in streams._streams.values()}
        for descriptor in self._readers:
            self._loop.remove_reader(descriptor)

    def end(self) -> None:
        """Read on."""
        for descriptor, callback in self._readers.items():
            self._loop.add_reader(descriptor, callback)  # type: ignore[arg-type]


async def pair(nodes: Nodes, config: NodeConfig) -> tuple[Node, Node, list[int]]:
    """Return a sender, a receiver and the numbers of the blobs that came."""
    receiver = await nodes.start("receiver", config=config)
    sender = await nodes.start("sender", config=config)
    numbers: list[int] = []

    @receiver.on(Blob)
    def blob(message: Blob) -> None:
        numbers.append(message.number)

    await sender.send(Blob(number=-1, data=b""), to=receiver.node_id)
    await until(lambda: numbers)
    numbers.clear()
    return sender, receiver, numbers


class Flow:
    """Send blobs as fast as the line takes them."""

    def __init__(self, sender: Node, receiver: Node, count: int, size: int) -> None:
        self.sent = 0
        self._to = receiver.node_id
        self.task = asyncio.create_task(self._send(sender, count, bytes(size)))

    async def _send(self, sender: Node, count: int, data: bytes) -> None:
        for number in range(count):
            await sender.send(Blob(number=number, data=data), to=self._to)
            self.sent += 1


def queued(node: Node) -> int:
    running = node._running
    assert running is not None
    return sum(line.session.queued_bytes for line in running.overlay.lines.current())


async def settled(flow: Flow) -> int:
    """Wait until no more goes out, and return how much went."""
    sent = -1
    while sent != flow.sent:
        sent = flow.sent
        await asyncio.sleep(0.3)
    return sent


@pytest.mark.parametrize("allow_tcp", [False, True], ids=["UDP", "TCP"])
@pytest.mark.parametrize("size", [2_000, 100_000])
async def test_a_sender_is_held_until_the_peer_reads_on(nodes: Nodes, allow_tcp: bool, size: int) -> None:
    sender, receiver, numbers = await pair(nodes, patient(allow_tcp=allow_tcp))
    pause = Pause(receiver)
    pause.begin()
    count = 16 * QUEUE_BYTES // size
    before = psutil.Process().memory_info().rss
    flow = Flow(sender, receiver, count, size)
    sent = await settled(flow)
    assert 0.9 * QUEUE_BYTES / size <= sent < count / 2
    assert not flow.task.done()
    assert queued(sender) <= QUEUE_BYTES + 2 * size
    assert psutil.Process().memory_info().rss - before < 12 * QUEUE_BYTES
    assert numbers == []
    pause.end()
    await asyncio.wait_for(flow.task, 2 * DEADLINE_S)
    await until(lambda: len(numbers) == count)
    assert numbers == list(range(count))
    await until(lambda: queued(sender) == 0)


async def test_a_sender_that_is_held_too_long_is_told(nodes: Nodes) -> None:
    sender, receiver, _ = await pair(nodes, patient(drain_s=0.3))
    Pause(receiver).begin()
    flow = Flow(sender, receiver, 1000, 100_000)
    with pytest.raises(DeadlineExceeded, match="room on the line"):
        await asyncio.wait_for(flow.task, DEADLINE_S)


async def test_a_sender_to_a_peer_that_died_is_told(nodes: Nodes) -> None:
    impatient = NodeConfig(
        line_queue_bytes=QUEUE_BYTES,
        overlay=OverlayConfig(
            keepalive_s=0.3, quiet_keepalive_s=0.3, suspect_s=0.3, probe_interval_s=0.1, dial_timeout_s=0.3
        ),
    )
    sender, receiver, _ = await pair(nodes, impatient)
    Pause(receiver).begin()
    flow = Flow(sender, receiver, 1000, 100_000)
    with pytest.raises(NoPath):
        await asyncio.wait_for(flow.task, DEADLINE_S)


async def test_small_requests_pass_a_large_message(nodes: Nodes) -> None:
    sender, receiver, numbers = await pair(nodes, patient())
    large = asyncio.create_task(sender.send(Blob(number=0, data=bytes(30_000_000)), to=receiver.node_id))
    await asyncio.sleep(0)
    answer = await sender.call("echo", "quick", to=receiver.node_id, timeout_s=DEADLINE_S)
    assert answer.reply == "quick"
    assert numbers == []
    await asyncio.wait_for(large, DEADLINE_S)
    await until(lambda: numbers == [0])
