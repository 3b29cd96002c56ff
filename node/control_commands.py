"""The calls a control socket answers: each an arguments struct and a function of the node.

The results have the shape that `mesh99 COMMAND --json` prints, so that a program that calls the socket
itself reads the same document.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

import msgspec

from ..wire.node_record import NodeRecord
from .control_bench import BenchPhase, measure
from .nat_status import NatStatus
from .providers import Provider
from .results import Answer, Explained, Found, Hop, NodeStatus, PeerStatus, Stored

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
TimeoutS = Annotated[float, msgspec.Meta(gt=0, le=3600)]
Json = dict[str, Any]


class Controlled(Protocol):
    """What the socket needs of the node behind it: a Node, or what a test puts in its place."""

    def status(self) -> NodeStatus: ...
    def nat(self) -> NatStatus: ...
    async def learn_names(self) -> None: ...
    def peers(self) -> list[PeerStatus]: ...
    async def find(self, capability: str, *where: str, timeout_s: float = ...) -> list[Provider]: ...
    async def resolve(self, peer: str, *, timeout_s: float = ...) -> NodeRecord: ...
    async def ping(self, peer: str, count: int = ...) -> list[float]: ...
    async def trace(self, key: str) -> list[Hop]: ...
    async def put(self, key: str, value: str) -> Stored: ...
    async def put_content(self, value: str) -> Stored: ...
    async def delete(self, key: str) -> Stored: ...
    async def get(self, key: str) -> Found: ...
    async def explain_find(self, capability: str, *where: str, timeout_s: float = ...) -> Explained: ...
    async def explain_put(self, key: str, value: str) -> Explained: ...
    async def explain_get(self, key: str) -> Explained: ...
    async def post(self, type_name: str, body: object, *, to: str) -> str: ...
    async def call(
        self,
        type_name: str,
        body: object,
        *,
        to: str | None = ...,
        capability: str | None = ...,
        timeout_s: float = ...,
    ) -> Answer: ...


class Arguments(msgspec.Struct, forbid_unknown_fields=True):
    """No arguments; the base of those of every command."""


class CapabilityArguments(Arguments):
    capability: Text
    where: tuple[Text, ...] = ()
    timeout_s: TimeoutS = 5.0


class PeerArguments(Arguments):
    peer: Text


class PingArguments(PeerArguments):
    count: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1


class BenchArguments(PeerArguments):
    phase: BenchPhase
    duration_s: Annotated[float, msgspec.Meta(gt=0, le=60)] = 2.0


class KeyArguments(Arguments):
    key: str


class PutArguments(KeyArguments):
    value: str


class PutContentArguments(Arguments):
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
    run: Callable[[Controlled, Any], Awaitable[object]]


async def status(node: Controlled, _: Arguments) -> Json:
    return msgspec.to_builtins(node.status(), str_keys=True)  # type: ignore[no-any-return]


async def nat(node: Controlled, _: Arguments) -> Json:
    await node.learn_names()
    return msgspec.to_builtins(node.nat())  # type: ignore[no-any-return]


async def peers(node: Controlled, _: Arguments) -> list[Json]:
    await node.learn_names()
    return [msgspec.structs.asdict(peer) for peer in node.peers()]


async def find(node: Controlled, arguments: CapabilityArguments) -> list[Json]:
    found = await node.find(arguments.capability, *arguments.where, timeout_s=arguments.timeout_s)
    return [provider.to_json() for provider in found]


async def resolve(node: Controlled, arguments: PeerArguments) -> Json:
    return (await node.resolve(arguments.peer)).to_json()


async def ping(node: Controlled, arguments: PingArguments) -> Json:
    rtts_s = await node.ping(arguments.peer, arguments.count)
    return {"peer": arguments.peer, "rtt_ms": [milliseconds(rtt_s) for rtt_s in rtts_s]}


async def trace(node: Controlled, arguments: KeyArguments) -> Json:
    return {
        "key": arguments.key,
        "hops": [msgspec.structs.asdict(hop) for hop in await node.trace(arguments.key)],
    }


async def put(node: Controlled, arguments: PutArguments) -> Json:
    return msgspec.structs.asdict(await node.put(arguments.key, arguments.value))


async def put_content(node: Controlled, arguments: PutContentArguments) -> Json:
    return msgspec.structs.asdict(await node.put_content(arguments.value))


async def delete(node: Controlled, arguments: KeyArguments) -> Json:
    return msgspec.structs.asdict(await node.delete(arguments.key))


async def get(node: Controlled, arguments: KeyArguments) -> Json:
    found = await node.get(arguments.key)
    return {
        "key": arguments.key,
        "value": found.value,
        "from": found.owner,
        "hops": found.hops,
        "ms": milliseconds(found.elapsed_s),
    }


async def explain_find(node: Controlled, arguments: CapabilityArguments) -> Json:
    explained = await node.explain_find(arguments.capability, *arguments.where, timeout_s=arguments.timeout_s)
    return msgspec.to_builtins(explained)  # type: ignore[no-any-return]


async def explain_put(node: Controlled, arguments: PutArguments) -> Json:
    explained = await node.explain_put(arguments.key, arguments.value)
    return msgspec.to_builtins(explained)  # type: ignore[no-any-return]


async def explain_get(node: Controlled, arguments: KeyArguments) -> Json:
    return msgspec.to_builtins(await node.explain_get(arguments.key))  # type: ignore[no-any-return]


async def request(node: Controlled, arguments: RequestArguments) -> Json:
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


async def send(node: Controlled, arguments: SendArguments) -> Json:
    message_id = await node.post(arguments.type, arguments.body, to=arguments.to)
    return {"id": message_id, "state": "sent"}


async def bench(node: Controlled, arguments: BenchArguments) -> Json:
    return await measure(node, arguments.peer, arguments.phase, arguments.duration_s)


def milliseconds(seconds: float) -> float:
    return round(seconds * 1e3, 3)


COMMANDS: dict[str, Command] = {
    "status": Command(Arguments, status),
    "nat": Command(Arguments, nat),
    "peers": Command(Arguments, peers),
    "find": Command(CapabilityArguments, find),
    "resolve": Command(PeerArguments, resolve),
    "ping": Command(PingArguments, ping),
    "trace": Command(KeyArguments, trace),
    "put": Command(PutArguments, put),
    "put_content": Command(PutContentArguments, put_content),
    "delete": Command(KeyArguments, delete),
    "get": Command(KeyArguments, get),
    "explain_find": Command(CapabilityArguments, explain_find),
    "explain_put": Command(PutArguments, explain_put),
    "explain_get": Command(KeyArguments, explain_get),
    "request": Command(RequestArguments, request),
    "send": Command(SendArguments, send),
    "bench": Command(BenchArguments, bench),
}
