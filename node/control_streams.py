"""The calls a control socket answers again and again, until either side ends it: each line one more result."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol

from .control_commands import Arguments, Json, KeyArguments, Text
from .results import AgentEvent, ValueEvent


class Watched(Protocol):
    """What a stream needs of the node behind the socket."""

    def watch(self, capability: str, *where: str) -> AsyncGenerator[AgentEvent, None]: ...
    def watch_value(self, key: str) -> AsyncGenerator[ValueEvent, None]: ...


class WatchArguments(Arguments):
    capability: Text
    where: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class Stream:
    """One call: what it takes and what it runs."""

    arguments: type[Arguments]
    events: Callable[[Watched, Any], AsyncGenerator[Json, None]]


async def watch(node: Watched, arguments: WatchArguments) -> AsyncGenerator[Json, None]:
    async with aclosing(node.watch(arguments.capability, *arguments.where)) as events:
        async for event in events:
            yield {"kind": event.kind, **event.agent.to_json()}


async def watch_value(node: Watched, arguments: KeyArguments) -> AsyncGenerator[Json, None]:
    async with aclosing(node.watch_value(arguments.key)) as events:
        async for event in events:
            yield {"kind": event.kind, "key": arguments.key, "value": event.value, "from": event.owner}


STREAMS: dict[str, Stream] = {
    "watch": Stream(WatchArguments, watch),
    "watch_value": Stream(KeyArguments, watch_value),
}
