"""One-way messages to peers that have to be called first: those that may come twice ride in the call."""

from __future__ import annotations

import asyncio

from node_world import Nodes, until

from mesh99.dht import DhtConfig
from mesh99.node import Message, Node, NodeConfig
from mesh99.node.messages.dispatch import DispatcherConfig
from mesh99.node.overlay.config import OverlayConfig
from mesh99.wire.contact import Contact
from mesh99.wire.endpoint import Endpoint


class Moved(Message, idempotent=True):
    place: str
    padding: bytes = b""


class Paid(Message):
    amount: int


class Sides:
    """A sender and a receiver that have no line, and what came how."""

    def __init__(self, sender: Node, receiver: Node) -> None:
        self.sender, self.receiver = sender, receiver
        self.came: list[Message] = []
        self.early: list[bool] = []
        for kind in (Moved, Paid):
            receiver.on(kind)(self.came.append)
        overlay = receiver._running.overlay  # type: ignore[union-attr]
        take = overlay.early_messages.on_message

        def noted(sender: object, message: bytes) -> bool:
            self.early.append(take(sender, message))  # type: ignore[arg-type]
            return self.early[-1]

        overlay.early_messages.on_message = noted

    async def say(self, message: Message) -> str:
        """Send one to the receiver."""
        return await self.sender.send(message, to=self.receiver.node_id.text)


async def apart(nodes: Nodes, **limits: int) -> Sides:
    """Start a sender and a receiver that know each other by a third only: visitors stand in no table."""
    visitor = OverlayConfig(dht=DhtConfig(ephemeral=True))
    config = NodeConfig(overlay=visitor, dispatcher=DispatcherConfig(**limits))
    await nodes.start("between")
    receiver = await nodes.start("receiver", config=config)
    sender = await nodes.start("sender", config=config)
    assert sender.node_id.text not in {peer.node_id for peer in receiver.peers()}
    return Sides(sender, receiver)


async def test_one_that_may_come_twice_rides_in_the_call_and_comes_once(nodes: Nodes) -> None:
    sides = await apart(nodes)
    ids = {await sides.say(Moved(place=place)) for place in ("here", "there")}
    await until(lambda: len(sides.came) == 2)
    assert sides.came == [Moved(place="here"), Moved(place="there")]
    assert sides.early == [True]  # the second had a line
    assert len(ids) == 2


async def test_one_that_may_not_waits_for_the_line(nodes: Nodes) -> None:
    sides = await apart(nodes)
    await sides.say(Paid(amount=3))
    await until(lambda: sides.came)
    assert (sides.came, sides.early) == ([Paid(amount=3)], [])


async def test_one_without_room_in_the_first_packet_waits_for_the_line(nodes: Nodes) -> None:
    sides = await apart(nodes)
    large = Moved(place="here", padding=bytes(2000))
    await sides.say(large)
    await until(lambda: sides.came)
    assert (sides.came, sides.early) == ([large], [])


async def test_the_receiver_decides_what_may_come_twice(nodes: Nodes) -> None:
    """A caller that says so of a payment, by a fault or by intent, has it sent over the line."""
    sides = await apart(nodes)

    class Claim(Message, type_name="Paid", idempotent=True):
        amount: int

    await sides.say(Claim(amount=3))
    await until(lambda: sides.came)
    assert (sides.came, sides.early) == ([Paid(amount=3)], [False])


async def test_who_has_much_to_do_takes_it_over_the_line_where_it_can_be_held_back(nodes: Nodes) -> None:
    sides = await apart(nodes, hold_above=1, resume_below=1)
    go_on, begun = asyncio.Event(), list[str]()

    async def slow(moved: Moved) -> None:
        begun.append(moved.place)
        await go_on.wait()

    sides.receiver.on(Moved)(slow)
    await sides.say(Moved(place="here"))
    await until(lambda: begun)
    sender = sides.sender._running.overlay  # type: ignore[union-attr]
    line = sender.lines.find(sides.receiver.node_id)
    assert line is not None
    sender._drop(line, "test", sides.sender._running.host.now(), dead=True)  # type: ignore[union-attr]
    await sides.say(Moved(place="there"))
    assert sides.early == [True, False]
    go_on.set()
    await until(lambda: begun == ["here", "there"])


async def test_bytes_that_are_no_message_are_counted(nodes: Nodes) -> None:
    sides = await apart(nodes)
    take = sides.receiver._running.overlay.early_messages.on_message  # type: ignore[union-attr]
    contact = Contact(sides.sender.identity.public_key, Endpoint("udp", "127.0.0.1", 9))
    assert not take(contact, b"\xc1 nonsense")
    assert sides.receiver.conversations.dropped == {"message: malformed": 1}
