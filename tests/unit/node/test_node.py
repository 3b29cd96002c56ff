"""The Node as a program uses it: nodes in this process that talk over loopback."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import Any

import pytest
from node_world import DEADLINE_S, Nodes, until, until_done

from mesh99.node import (
    DeadlineExceeded,
    Header,
    InvalidMessage,
    LookupFailed,
    Message,
    Node,
    NodeId,
    NoPath,
    RemoteRejected,
)
from mesh99.wire.errors import ConfigError


class Shorten(Message):
    text: str
    words: int = 3


class Shortened(Message):
    text: str


class Note(Message):
    text: str


class Counted(Message):
    count: int


class Fail(Message):
    text: str


class Wait(Message):
    pass


def serve(node: Node) -> list[str]:
    """Register the handlers of these tests; what `Note` brings is in the list."""
    notes: list[str] = []

    @node.on(Shorten)
    async def shorten(request: Shorten) -> Shortened:
        await asyncio.sleep(0)
        return Shortened(text=" ".join(request.text.split()[: request.words]))

    @node.on(Note)
    def note(message: Note, header: Header) -> None:
        notes.append(f"{message.text} from {header.sender.short}")

    @node.on(Fail)
    def fail(message: Fail) -> None:
        raise ValueError(message.text)

    @node.on(Wait)
    async def wait(message: Wait) -> None:
        await asyncio.Event().wait()

    return notes


async def pair(nodes: Nodes) -> tuple[Node, Node]:
    """Return a node that asks and one that serves; each has found the other."""
    server = await nodes.start("server", capabilities=["Shorten.Text"])
    asker = await nodes.start("asker")
    serve(server)
    await until_done(lambda: asker.resolve("server"))
    return asker, server


# talk


@pytest.mark.parametrize("form", ["id", "text", "short", "name", "capability"])
async def test_a_request_finds_its_peer_by_every_name(nodes: Nodes, form: str) -> None:
    asker, server = await pair(nodes)
    names: dict[str, Any] = {
        "id": server.node_id,
        "text": server.node_id.text,
        "short": server.node_id.short,
        "name": "server",
    }
    where = {"capability": "shorten.TEXT"} if form == "capability" else {"to": names[form]}
    reply = await until_done(lambda: asker.request(Shorten(text="one two three four"), **where))
    assert reply == Shortened(text="one two three")
    answer = await asker.call("Shorten", {"text": "a b", "words": 1}, **where)
    assert (answer.reply, answer.sender, answer.path) == ({"text": "a"}, server.node_id.text, "direct")
    assert 0 < answer.elapsed_s < DEADLINE_S


async def test_the_one_asked_can_ask_back(nodes: Nodes) -> None:
    asker, server = await pair(nodes)
    serve(asker)
    await asker.request(Shorten(text="x"), to=server.node_id)
    assert await server.request(Shorten(text="y"), to=asker.node_id) == Shortened(text="y")


async def test_plain_and_async_handlers_and_those_that_want_the_header(nodes: Nodes) -> None:
    asker, server = await pair(nodes)
    senders: list[NodeId] = []

    @server.on(Note)
    async def note(message: Note, header: Header) -> Shortened:
        senders.append(header.sender)
        return Shortened(text=message.text)

    assert await asker.request(Note(text="n"), to="server") == Shortened(text="n")
    assert senders == [asker.node_id]


async def test_a_handler_that_returns_nothing_is_an_answer_too(nodes: Nodes) -> None:
    asker, _ = await pair(nodes)
    assert await asker.request(Note(text="n"), to="server") is None


async def test_a_reply_may_be_asked_for_by_class(nodes: Nodes) -> None:
    asker, _ = await pair(nodes)
    reply = await asker.request(Shorten(text="x y"), to="server", reply=Note)
    assert reply == Note(text="x y")
    with pytest.raises(RemoteRejected) as raised:
        await asker.request(Shorten(text="x"), to="server", reply=Counted)
    assert raised.value.field == "count"


async def test_many_requests_at_once_get_each_its_own_reply(nodes: Nodes) -> None:
    asker, _ = await pair(nodes)
    texts = [f"word{i}" for i in range(500)]
    replies = await asyncio.gather(*(asker.request(Shorten(text=text), to="server") for text in texts))
    assert [reply.text for reply in replies] == texts


async def test_a_large_request_and_a_large_reply(nodes: Nodes) -> None:
    asker, _ = await pair(nodes)
    text = "word " * 200_000
    reply = await asker.request(Shorten(text=text, words=10**6), to="server", timeout_s=DEADLINE_S)
    assert len(reply.text) == len(text) - 1


async def test_send_and_post_arrive_in_order(nodes: Nodes) -> None:
    asker, server = await pair(nodes)
    notes = serve(server)
    ids = [await asker.send(Note(text=f"{i}"), to="server") for i in range(20)]
    ids.append(await asker.post("Note", {"text": "20"}, to="server"))
    await until(lambda: len(notes) == 21)
    assert notes == [f"{i} from {asker.node_id.short}" for i in range(21)]
    assert len(dict.fromkeys(ids)) == 21


# refusals


async def test_a_wrong_field_is_named_to_who_asked(nodes: Nodes) -> None:
    asker, _ = await pair(nodes)
    for body, field in (({"text": "x", "words": "many"}, "words"), ({"words": 1}, "text")):
        with pytest.raises(RemoteRejected) as raised:
            await asker.call("Shorten", body, to="server")
        assert (raised.value.code, raised.value.field) == ("invalid", field)


async def test_a_wrong_message_never_leaves(nodes: Nodes) -> None:
    asker, server = await pair(nodes)
    with pytest.raises(InvalidMessage) as raised:
        await asker.request(Shorten(text="x", words="many"), to="server")  # type: ignore[arg-type]
    assert raised.value.field == "words"
    assert server.status().dropped == {}


async def test_an_unknown_type_is_refused_with_those_known(nodes: Nodes) -> None:
    asker, _ = await pair(nodes)
    with pytest.raises(RemoteRejected) as raised:
        await asker.call("Nonsense", {}, to="server")
    assert raised.value.code == "unknown_type"
    assert "Shorten" in (raised.value.hint or "")


async def test_a_handler_that_raises_is_told_to_who_asked(
    nodes: Nodes, caplog: pytest.LogCaptureFixture
) -> None:
    asker, _ = await pair(nodes)
    with pytest.raises(RemoteRejected, match="out of ink") as raised:
        await asker.request(Fail(text="out of ink"), to="server")
    assert raised.value.code == "failed"
    assert "Fail" in caplog.text
    assert await asker.request(Shorten(text="x"), to="server") == Shortened(text="x")


async def test_a_handler_whose_own_task_was_cancelled_is_an_error_and_nothing_more(nodes: Nodes) -> None:
    asker, server = await pair(nodes)

    @server.on(Wait)
    async def wait(message: Wait) -> None:
        task = asyncio.create_task(asyncio.sleep(60))
        task.cancel()
        await task

    for _ in range(3):
        with pytest.raises(RemoteRejected):
            await asker.request(Wait(), to="server", timeout_s=DEADLINE_S)
    assert await asker.request(Shorten(text="x"), to="server") == Shortened(text="x")


async def test_a_time_out_says_what_was_waited_for(nodes: Nodes) -> None:
    asker, _ = await pair(nodes)
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded, match="reply to Wait") as raised:
        await asker.request(Wait(), to="server", timeout_s=0.2)
    assert raised.value.timeout_s == pytest.approx(0.2, abs=0.05)
    assert time.monotonic() - began >= 0.19


async def test_a_request_that_is_called_off_leaves_nothing(nodes: Nodes) -> None:
    asker, server = await pair(nodes)
    task = asyncio.create_task(asker.request(Wait(), to="server"))
    await until(lambda: server.status().peers)
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asker.request(Shorten(text="x"), to="server") == Shortened(text="x")


async def test_a_peer_nobody_knows(nodes: Nodes) -> None:
    asker, _ = await pair(nodes)
    for unknown in ("nobody", "a" * 8, "a" * 52):
        with pytest.raises(LookupFailed) as raised:
            await asker.request(Wait(), to=unknown)
        assert raised.value.hint
    with pytest.raises(LookupFailed, match="juggle"):
        await asker.request(Wait(), capability="juggle")
    with pytest.raises(ConfigError):
        await asker.request(Wait())


async def test_a_node_does_not_call_itself(nodes: Nodes) -> None:
    _, server = await pair(nodes)
    with pytest.raises(ConfigError, match="itself"):
        await server.request(Wait(), to="server")
    with pytest.raises(LookupFailed):
        await server.request(Wait(), capability="shorten.text")


async def test_a_dead_provider_is_passed_over(nodes: Nodes) -> None:
    asker, server = await pair(nodes)
    other = await nodes.start("other", capabilities=["shorten.text"])
    serve(other)
    await until_done(lambda: asker.find("shorten.text"), lambda found: len(found) == 2)
    await server.stop()
    for _ in range(4):
        reply = await asker.request(Shorten(text="x"), capability="shorten.text", timeout_s=DEADLINE_S)
        assert reply == Shortened(text="x")


async def test_a_peer_that_goes_fails_what_waits_for_it(nodes: Nodes) -> None:
    asker, server = await pair(nodes)
    task = asyncio.create_task(asker.request(Wait(), to="server", timeout_s=60))
    await until(lambda: server.node_id.text in [peer.node_id for peer in asker.peers()])
    await asyncio.sleep(0.02)
    await server.stop()
    with pytest.raises((NoPath, LookupFailed, RemoteRejected)):
        await asyncio.wait_for(task, DEADLINE_S)


# find


async def test_find_is_blind_to_case_and_finds_this_node_too(nodes: Nodes) -> None:
    asker, server = await pair(nodes)
    for node in (asker, server):
        [record] = await until_done(partial(node.find, "SHORTEN.text"))
        assert (record.node_id, record.name, record.endpoints) == (server.node_id, "server", server.endpoints)
    assert await asker.find("juggle") == []


async def test_resolve_by_every_name(nodes: Nodes) -> None:
    asker, server = await pair(nodes)
    for name in (server.node_id.text, server.node_id.short, "server"):
        record = await asker.resolve(name)
        assert (record.public_key, record.capabilities) == (server.identity.public_key, ("shorten.text",))


async def test_two_of_a_name_are_told_apart_by_their_ids(nodes: Nodes) -> None:
    asker, server = await pair(nodes)
    twin = await nodes.start("server")

    async def ambiguous() -> str:
        try:
            await asker.resolve("server")
        except ConfigError as error:
            return error.hint or ""
        return ""

    hint = await until_done(ambiguous)
    assert server.node_id.short in hint
    assert twin.node_id.short in hint


async def test_put_and_get(nodes: Nodes) -> None:
    asker, server = await pair(nodes)
    third = await nodes.start("third")
    stored = await asker.put("motto", "direct lines")
    assert stored.key == "motto"
    assert stored.stored_on
    found = await third.get("motto")
    assert (found.value, found.owner) == ("direct lines", asker.node_id.text)
    await server.put("motto", "newer")
    assert (await third.get("motto")).value == "newer"
    with pytest.raises(LookupFailed, match="never"):
        await third.get("never")


async def test_a_value_that_is_too_long_is_refused_here(nodes: Nodes) -> None:
    asker, _ = await pair(nodes)
    await asker.put("k", "x" * 800)
    with pytest.raises(ConfigError) as raised:
        await asker.put("k", "x" * 801)
    assert raised.value.field == "value"


async def test_a_lonely_node_keeps_its_values_itself(nodes: Nodes) -> None:
    lonely = await nodes.start()
    assert (await lonely.put("k", "v")).stored_on == [lonely.node_id.text]
    found = await lonely.get("k")
    assert (found.value, found.hops) == ("v", 0)


# see


async def test_ping_and_trace(nodes: Nodes) -> None:
    asker, server = await pair(nodes)
    rtts = await asker.ping("server", 3)
    assert len(rtts) == 3
    assert all(0 < rtt < DEADLINE_S for rtt in rtts)
    [hop] = await asker.trace("some key")
    assert (hop.node_id, hop.endpoint, hop.depth) == (server.node_id.text, str(server.endpoints[0]), 1)
    assert [hop.node_id for hop in await asker.trace(server.node_id.text)] == [server.node_id.text]


async def test_pings_at_once_are_all_answered(nodes: Nodes) -> None:
    asker, _ = await pair(nodes)
    many = await asyncio.gather(*(asker.ping("server", 2) for _ in range(20)))
    assert all(rtt > 0 for rtts in many for rtt in rtts)


async def test_peers_and_status(nodes: Nodes) -> None:
    asker, server = await pair(nodes)
    await asker.request(Shorten(text="x"), to="server")
    [peer] = asker.peers()
    assert (peer.node_id, peer.name, peer.path) == (server.node_id.text, "server", "direct")
    assert peer.endpoint == str(server.endpoints[0])
    assert min(peer.tx_bytes, peer.rx_bytes) > 0
    assert peer.rtt_ms is not None
    assert peer.rtt_ms > 0
    status = asker.status()
    assert (status.node_id, status.name, status.peers) == (asker.node_id.text, "asker", 1)
    assert status.endpoints == [str(endpoint) for endpoint in asker.endpoints]
    assert (status.registry, status.uuid, status.dropped) == (None, None, {})
    assert 0 < status.uptime_s < DEADLINE_S


async def test_events_tell_who_comes_and_who_goes(nodes: Nodes) -> None:
    server = await nodes.start("server")
    seen: list[tuple[str, str]] = []

    async def watch() -> None:
        async for event in server.events():
            seen.append((event.kind, event.node_id))

    watcher = asyncio.create_task(watch())
    asker = await nodes.start("asker")
    await until(lambda: seen)
    await asker.stop()
    await until(lambda: len(seen) == 2)
    assert seen == [("came", asker.node_id.text), ("gone", asker.node_id.text)]
    await server.stop()
    await asyncio.wait_for(watcher, DEADLINE_S)
