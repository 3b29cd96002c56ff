"""Reading many keys: one get each, and all together.

    python -m benchmarks.dht.many [nodes] [keys]

The network is that of benchmarks.dht.republish: real records, signatures and datagrams, full tables, 1 ms one way. The
values have 64 bytes; their keys lie anywhere, or all beside each other so that the same nodes hold them.
"""

from __future__ import annotations

import sys
from functools import partial

from mesh99.dht import GetResult, PutResult
from mesh99.wire.identity import Identity
from mesh99.wire.record import KEY_BYTES, Record, value_key

from .republish import ONE_WAY_S, TTL_S, Network

READER = Identity((7).to_bytes(32, "big"))
WAIT_S = 20.0


def measure(nodes: int, keys: list[bytes], together: bool) -> str:
    """Put the keys, read them all from another node; return the figures."""
    network = Network(nodes)
    stored: list[PutResult] = []
    for key in keys:
        record = Record.create(network.owner, key, bytes(64), sequence=1, ttl_s=TTL_S)
        network.dhts[network.owner.node_id].put(record, network.now, stored.append)
    network.run(WAIT_S)
    assert len(stored) == len(keys), "every put ends"
    network.owner = READER
    network.requests.clear()
    found, took_s = _read(network, keys, together)
    how = "together" if together else "one get each"
    requests = ", ".join(f"{count} {kind}" for kind, count in network.requests.items())
    return (
        f"{how:12}  found {found}  {took_s / (2 * ONE_WAY_S):.0f} round trips  "
        f"{network.requests.total():4} requests ({requests})"
    )


def _read(network: Network, keys: list[bytes], together: bool) -> tuple[int, float]:
    reader, began = network.dhts[READER.node_id], network.now
    results: dict[bytes, GetResult] = {}
    if together:
        reader.get_many(keys, network.now, results.update)
    else:
        for key in keys:
            reader.get(key, network.now, partial(results.__setitem__, key))
    while len(results) < len(keys):
        network.run(network.now + ONE_WAY_S / 4)
    return sum(bool(result.records) for result in results.values()), network.now - began


def main(arguments: list[str]) -> None:
    """Print the figures."""
    nodes, count = [int(each) for each in [*arguments, *("50", "64")[len(arguments) :]]]
    anywhere = [value_key(f"key {number}") for number in range(count)]
    beside = [anywhere[0][:4] + number.to_bytes(KEY_BYTES - 4, "big") for number in range(count)]
    for name, keys in (("anywhere", anywhere), ("beside each other", beside)):
        print(f"{nodes} nodes, {count} keys {name}")
        for together in (False, True):
            print(measure(nodes, keys, together))


if __name__ == "__main__":
    main(sys.argv[1:])
