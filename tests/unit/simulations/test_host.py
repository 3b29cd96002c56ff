"""A simulated machine: what stays when its node goes, and what a node sees of its world."""

from __future__ import annotations

import pytest

from mesh99.dht import DhtConfig
from mesh99.node.overlay.config import OverlayConfig
from mesh99.node.overlay.line import Line
from mesh99.simulations.cipher_suite import SimulatedCrypto
from mesh99.simulations.host import NODE, Host, HostEntropy
from mesh99.simulations.network.network import Network
from mesh99.simulations.population.population import Population
from mesh99.simulations.scenario.schema import Links, Scenario, Share
from mesh99.simulations.world import World

SAVE_S = NODE.contacts_save_s


class Pair:
    """Two hosts that are up and know each other."""

    def __init__(self, dht: DhtConfig | None = None) -> None:
        scenario = Scenario(name="pair", about="Two.", links=Links(loss=Share(0.0)))
        self.world = World(1)
        network = Network(self.world, scenario)
        self.population = Population(
            self.world,
            network,
            OverlayConfig(network="simulation", allow_tcp=False, aes=True, dht=dht or DhtConfig()),
            SimulatedCrypto(),
        )
        self.one, self.other = self.population.start_new(), self.population.start_new()
        for host in (self.one, self.other):
            self.population.joined(host)

    def connect(self, caller: Host, called: Host) -> list[Line | None]:
        lines: list[Line | None] = []
        now = caller.clock.now()
        caller.overlay.connect(called.contact, now, lambda line, error: lines.append(line))
        caller.pump.kick()
        self.world.run_until(self.world.now() + 1)
        return lines


@pytest.fixture
def pair() -> Pair:
    return Pair()


def test_a_machine_stays_when_its_node_goes(pair: Pair) -> None:
    identity, endpoint = pair.one.identity, pair.one.endpoint
    pair.one.stop()
    assert not pair.one.up
    assert not hasattr(pair.one, "overlay")
    pair.one.start()
    assert (pair.one.identity, pair.one.endpoint, pair.one.session) == (identity, endpoint, 2)
    assert all(pair.connect(pair.other, pair.one))


def test_starting_and_stopping_twice_is_the_same_as_once(pair: Pair) -> None:
    pair.one.start()
    assert (pair.one.session, pair.population.arrivals) == (1, 2)
    pair.one.stop()
    pair.one.stop()
    pair.one.crash()
    assert pair.population.departures == 1


def test_a_graceful_stop_is_noticed_and_a_crash_is_not(pair: Pair) -> None:
    for graceful in (True, False):
        pair.connect(pair.one, pair.other)
        pair.other.stop(graceful)
        pair.world.run_until(pair.world.now() + 1)
        assert (pair.one.overlay.lines.find(pair.other.identity.node_id) is None) == graceful
        pair.other.start()


def test_a_stopped_node_has_saved_its_contacts_and_a_new_one_has_none(pair: Pair) -> None:
    assert pair.one.saved_contacts() == ()
    pair.connect(pair.one, pair.other)
    pair.one.stop()
    assert [contact.node_id for contact in pair.one.saved_contacts()] == [pair.other.identity.node_id]


@pytest.mark.parametrize(
    ("up_for_s", "kept"),
    [
        # Met after the first save: the second has it, and is on the disk when it is half a minute old.
        (SAVE_S - 1, False),
        (SAVE_S + 1, False),
        (2 * SAVE_S - 1, False),
        (2 * SAVE_S + 1, True),
    ],
)
def test_a_crash_leaves_what_the_last_synced_save_had(pair: Pair, up_for_s: float, kept: bool) -> None:
    pair.world.run_until(5.0)
    pair.connect(pair.one, pair.other)
    pair.world.run_until(up_for_s)
    pair.one.crash()
    assert bool(pair.one.saved_contacts()) == kept


def test_a_node_that_was_killed_keeps_its_unsynced_save(pair: Pair) -> None:
    pair.world.run_until(5.0)
    pair.connect(pair.one, pair.other)
    pair.world.run_until(SAVE_S + 1)
    pair.one.stop(graceful=False)
    assert pair.one.saved_contacts()


def test_a_node_on_a_fast_clock_probes_sooner(pair: Pair) -> None:
    def silence_s(rate: float) -> float:
        fast = Pair(DhtConfig(greeted_max=0))
        fast.one.clock.drift(rate)
        fast.connect(fast.one, fast.other)
        began_s = fast.world.now()
        sent = fast.population._network.bytes_sent[fast.one.index]
        while fast.population._network.bytes_sent[fast.one.index] == sent:
            fast.world.run_until(fast.world.now() + 0.01)
        return fast.world.now() - began_s

    assert silence_s(2.0) == pytest.approx(silence_s(1.0) / 2, rel=0.1)


def test_entropy_is_the_hosts_own_and_never_comes_twice() -> None:
    one, again, other = HostEntropy(World(1), 1), HostEntropy(World(1), 1), HostEntropy(World(1), 2)
    drawn = [one(size) for size in (32, 32, 8, 200)]
    assert [len(each) for each in drawn] == [32, 32, 8, 200]
    assert [again(size) for size in (32, 32, 8, 200)] == drawn
    assert drawn[0] != drawn[1] != other(32) != drawn[0]


def test_what_is_put_into_a_new_overlay_is_there_before_its_first_packet(pair: Pair) -> None:
    seen: list[int] = []
    host = pair.population.create(honest=False)
    host.on_start = lambda started: seen.append(started.session)
    host.start()
    host.stop()
    host.start()
    assert seen == [1, 2]
    assert host in pair.population.live
    assert host not in pair.population.honest_live
