"""A node in a process is the node of the same index in tier T1."""

from __future__ import annotations

from mesh99.simulations.cipher_suite import SimulatedCrypto
from mesh99.simulations.host import Host
from mesh99.simulations.network.network import Network
from mesh99.simulations.processes.machine import Machine, Surroundings, contact_of
from mesh99.simulations.processes.simulation import setup_of
from mesh99.simulations.scenario.schema import Scenario
from mesh99.simulations.world import World

SCENARIO = Scenario(name="test", about="A test.")


async def test_it_has_the_same_key_and_the_same_delays_and_a_port_of_its_own() -> None:
    around, world = Surroundings(setup_of(SCENARIO, 7, "simulated")), World(7)
    network = Network(world, SCENARIO)
    for index in (1, 2):
        machine = Machine(around, index)
        try:
            host = Host(world, network, index, around.setup.config, crypto=SimulatedCrypto())
            assert machine.identity.public_key == host.identity.public_key
            assert contact_of(machine.peer).node_id == host.identity.node_id
            assert contact_of(machine.peer).endpoint == machine.endpoint
            host.start()
        finally:
            await machine.close()
    assert around.delays.one_way_ns(1, 2) / 1e9 == network.delay_s(1, 2)
