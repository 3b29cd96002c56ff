"""Agents that offer a capability, each with its freshness: when it last said so, and until when that holds.

Ages are the holders' word: whoever passes a record on says how old it is. A holder that lies can make a dead agent look
fresh for the rest of what it keeps back, never make anything up, and never beyond the record's own life.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..dht.get import Found
from ..wire.endpoint import Endpoint
from ..wire.errors import DecodeError
from ..wire.identity import NodeId
from ..wire.node_record import NodeRecord


@dataclass(frozen=True, slots=True)
class Provider:
    """An agent that offers a capability; times are None where only a registry knows it."""

    agent: NodeRecord
    """What it says about itself."""
    age_s: float | None = None
    """How long ago it published that."""
    ends_in_s: float | None = None
    """When the record ends unless it is renewed."""

    @property
    def node_id(self) -> NodeId:
        """Its id."""
        return self.agent.node_id

    @property
    def name(self) -> str:
        """What it calls itself."""
        return self.agent.name

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Where it can be reached."""
        return self.agent.endpoints

    def to_json(self) -> dict[str, object]:
        """Return the record with the two times, for people and programs that read JSON."""
        return {
            **self.agent.to_json(),
            "age_s": _rounded(self.age_s),
            "ends_in_s": _rounded(self.ends_in_s),
        }


def live_providers(found: Iterable[Found], now: float, ttl_s_max: int) -> list[Provider]:
    """Return the agents whose records are in force, the last to publish first."""
    providers: list[Provider] = []
    for record, born_at in found:
        ends_in_s = born_at + min(record.ttl_s, ttl_s_max) - now
        if not record.value or ends_in_s <= 0:
            continue
        try:
            agent = NodeRecord.from_record(record)
        except DecodeError:
            continue
        providers.append(Provider(agent, max(0.0, now - born_at), ends_in_s))
    return sorted(providers, key=_youngest_first)


def _youngest_first(provider: Provider) -> tuple[float, NodeId]:
    return provider.age_s or 0.0, provider.node_id


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
