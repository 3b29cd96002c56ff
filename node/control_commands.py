"""The calls a control socket answers: each an arguments struct and a function of the node.

The results have the shape that `mesh99 COMMAND --json` prints, so that a program that calls the socket
itself reads the same document.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from .control_bench import BenchPhase, measure

if TYPE_CHECKING:
    from .node import Node

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
TimeoutS = Annotated[float, msgspec.Meta(gt=0, le=3600)]
Json = dict[str, Any]


class Arguments(msgspec.Struct, forbid_unknown_fields=True):
    """No arguments; the base of those of every command."""


class CapabilityArguments(Arguments):
    capability: Text
    timeout_s: TimeoutS = 5.0


class PeerArguments(Arguments):
    peer: Text


class PingArguments(PeerArguments):
    count: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1


class BenchArguments(PeerArguments):
    phase: BenchPhase
    duration_s: Annotated[float, msgspec.Meta(gt=0, le=60)] = 2.0


class KeyArguments(Arguments):
    key: Text


class PutArguments(KeyArguments):
    value: str


class SendArguments(Arguments):
    type: Text
    to: Text
    body: Any = None


class RequestArguments(Arguments):
    type: Text
    body: Any = None
    to: Text | None = None
    capability: Text | None = None
    timeout_s: TimeoutS = 5.0


@dataclass(frozen=True, slots=True)
class Command:
    """One call: what it takes and what it runs."""

    arguments: type[Arguments]
    run: Callable[[Node, Any], Awaitable[object]]


async def status(node: Node, _: Arguments) -> Json:
    return msgspec.structs.asdict(node.status())


async def peers(node: Node, _: Arguments) -> list[Json]:
    await node.learn_names()
    return [msgspec.structs.asdict(peer) for peer in node.peers()]


async def find(node: Node, arguments: CapabilityArguments) -> list[Json]:
    records = await node.find(arguments.capability, timeout_s=arguments.timeout_s)
    return [record.to_json() for record in records]


async def resolve(node: Node, arguments: PeerArguments) -> Json:
    return (await node.resolve(arguments.peer)).to_json()


async def ping(node: Node, arguments: PingArguments) -> Json:
    rtts_s = await node.ping(arguments.peer, arguments.count)
    return {"peer": arguments.peer, "rtt_ms": [milliseconds(rtt_s) for rtt_s in rtts_s]}


async def trace(node: Node, arguments: KeyArguments) -> Json:
    return {
        "key": arguments.key,
        "hops": [msgspec.structs.asdict(hop) for hop in await node.trace(arguments.key)],
    }


async def put(node: Node, arguments: PutArguments) -> Json:
    return msgspec.structs.asdict(await node.put(arguments.key, arguments.value))


async def get(node: Node, arguments: KeyArguments) -> Json:
    found = await node.get(arguments.key)
    return {
        "key": arguments.key,
        "value": found.value,
        "from": found.owner,
        "hops": found.hops,
        "ms": milliseconds(found.elapsed_s),
    }


async def request(node: Node, arguments: RequestArguments) -> Json:
    answer = await node.call(
        arguments.type,
        arguments.body,
        to=arguments.to,
        capability=arguments.capability,
        timeout_s=arguments.timeout_s,
    )
    return {
        "reply": answer.reply,
        "from": answer.sender,
        "ms": milliseconds(answer.elapsed_s),
        "path": answer.path,
        "transport": answer.transport,
    }


async def send(node: Node, arguments: SendArguments) -> Json:
    message_id = await node.post(arguments.type, arguments.body, to=arguments.to)
    return {"id": message_id, "state": "sent"}


async def bench(node: Node, arguments: BenchArguments) -> Json:
    return await measure(node, arguments.peer, arguments.phase, arguments.duration_s)


def milliseconds(seconds: float) -> float:
    return round(seconds * 1e3, 3)


COMMANDS: dict[str, Command] = {
    "status": Command(Arguments, status),
    "peers": Command(Arguments, peers),
    "find": Command(CapabilityArguments, find),
    "resolve": Command(PeerArguments, resolve),
    "ping": Command(PingArguments, ping),
    "trace": Command(KeyArguments, trace),
    "put": Command(PutArguments, put),
    "get": Command(KeyArguments, get),
    "request": Command(RequestArguments, request),
    "send": Command(SendArguments, send),
    "bench": Command(BenchArguments, bench),
}
