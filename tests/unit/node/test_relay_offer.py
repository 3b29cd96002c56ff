"""Who announces that he relays: operators always, volunteers while few others have room."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from mesh99.nat.messages import Reserve
from mesh99.nat.relay.config import RelayConfig
from mesh99.nat.relay.offer import CAPABILITY, Offer
from mesh99.nat.relay.server import RelayServer
from mesh99.node.config import NodeConfig
from mesh99.node.offers import offers_of
from mesh99.node.overlay.config import OverlayConfig
from mesh99.node.providers import Provider
from mesh99.node.relay_offer import RelayOffer
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.errors import ConfigError, LookupFailed
from mesh99.wire.identity import Identity, NodeId
from mesh99.wire.node_record import NodeRecord

RECORD = NodeRecord(public_key=Identity(bytes(32)).public_key)


class Told:
    """A directory that notes what it is told, and knows some relays."""

    def __init__(self, *offers: Offer) -> None:
        self.said: list[str] = []
        self.looks = 0
        self.known = [
            Provider(NodeRecord(public_key=RECORD.public_key, attributes=offer.attributes()))
            for offer in offers
        ]
        self.fails = False

    def offer(self, capability: str, describe: object) -> None:
        assert capability == CAPABILITY
        self.said.append("offer")

    def withdraw(self, capability: str) -> None:
        self.said.append("withdraw")

    def changed(self, capability: str) -> None:
        self.said.append("changed")

    async def find(self, capability: str, where: object, timeout_s: float) -> list[Provider]:
        self.looks += 1
        if self.fails:
            raise LookupFailed("relays", "")
        return self.known


class Trial:
    """A relay's announcements, on a clock of its own."""

    def __init__(self, directory: Told, serve: Any = "auto", *, serves: bool = True) -> None:
        relay = RelayConfig(serve=serve, reservations_max=4)
        config = NodeConfig(
            overlay=OverlayConfig(relay=relay), relay_offer_s=0.01, relay_look_s=100.0, relays_enough=2
        )
        self.server = RelayServer(relay)
        self.server.serves = serves
        self.reach = SimpleNamespace(serves=serves)
        overlay = SimpleNamespace(reach=self.reach, relaying=SimpleNamespace(server=self.server))
        self.now = 0.0
        host = SimpleNamespace(now=lambda: self.now, run=asyncio.create_task)
        self.directory = directory
        self.offer = RelayOffer(overlay, directory, host, config, Random(1))  # type: ignore[arg-type]

    def announce(self) -> None:
        self.offer.announce(lambda sequence, capability="": RECORD)

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(5.0):
            while not condition():
                await asyncio.sleep(0.01)


def run(directory: Told, then: Callable[[Trial], Any], **settings: Any) -> Trial:
    async def program() -> Trial:
        trial = Trial(directory, **settings)
        trial.announce()
        await asyncio.sleep(0.05)
        await then(trial)
        return trial

    return asyncio.run(program())


async def nothing(trial: Trial) -> None:
    """Leave it at that."""


FREE, FULL = Offer(10, 0.0), Offer(0, 1.0)


def test_an_operator_announces_whatever_others_there_are() -> None:
    trial = run(Told(FREE, FREE, FREE), nothing, serve=True)
    assert trial.directory.said == ["offer"]
    assert trial.directory.looks == 0
    assert trial.offer.is_announced


def test_a_volunteer_announces_where_others_are_few_or_full() -> None:
    assert run(Told(FREE), nothing).directory.said == ["offer"]
    assert run(Told(FREE, FULL, FULL), nothing).directory.said == ["offer"]
    failing = Told()
    failing.fails = True
    assert run(failing, nothing).directory.said == ["offer"]


def test_a_volunteer_keeps_still_where_others_have_room_and_looks_again_later() -> None:
    async def later(trial: Trial) -> None:
        assert trial.directory.said == []
        assert trial.directory.looks == 1
        trial.directory.known = trial.directory.known[:1]
        trial.now = 200.0
        await trial.until(lambda: trial.offer.is_announced)

    assert run(Told(FREE, FREE), later).directory.looks == 2


def test_who_does_not_serve_costs_nothing_and_who_ends_to_withdraws() -> None:
    idle = run(Told(), nothing, serves=False)
    assert (idle.directory.said, idle.directory.looks) == ([], 0)

    async def closes(trial: Trial) -> None:
        trial.reach.serves = False
        trial.announce()

    trial = run(Told(), closes)
    assert trial.directory.said == ["offer", "withdraw"]
    assert not trial.offer.is_announced


def test_a_new_load_is_told_in_quarters() -> None:
    async def fills(trial: Trial) -> None:
        for number in range(3):
            trial.server.receive(
                Reserve(), NodeId(bytes([number]) * 32), Endpoint("udp", f"20.0.0.{number}", 1), 0.0
            )
        await trial.until(lambda: "changed" in trial.directory.said)
        await asyncio.sleep(0.05)

    trial = run(Told(), fills)
    assert trial.directory.said == ["offer", "changed"]
    assert trial.offer.attributes() == {"free": 1, "load": 0.75}


def test_agents_cannot_offer_what_is_reserved() -> None:
    for name in ("mesh99.relay", "Mesh99.anything"):
        with pytest.raises(ConfigError, match=name):
            offers_of([name])
