"""The simulated network against naive models: bandwidth, order on streams, filters of NAT boxes."""

from __future__ import annotations

from itertools import product
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from network_world import NetworkWorld

from mesh99.simulations.network.links import Queues
from mesh99.simulations.network.nat_box import Behaviour, NatBox, NatBoxConfig, PortPolicy
from mesh99.simulations.network.stream_end import StreamConfig
from mesh99.wire.endpoint import Endpoint

SECOND_NS = 1_000_000_000

# bandwidth


@given(
    rate=st.sampled_from([100.0, 12_345.6, 1e6, 1e9 / 7]),
    queue=st.integers(0, 5000),
    packets=st.lists(st.tuples(st.integers(0, 300_000_000), st.integers(1, 1500)), max_size=40),
)
def test_a_line_passes_no_more_than_its_bandwidth_and_holds_no_more_than_its_queue(
    rate: float, queue: int, packets: list[tuple[int, int]]
) -> None:
    queues = Queues(rate, queue)
    now_ns = free_ns = 0
    for pause_ns, size in packets:
        now_ns += pause_ns
        waiting_bytes = max(0, free_ns - now_ns) * rate / SECOND_NS
        done_ns = queues.passes_at(1, size, now_ns)
        if done_ns is None:
            assert waiting_bytes > 0
            assert waiting_bytes + size > queue * 0.999 - 1
        else:
            assert waiting_bytes == 0 or waiting_bytes + size <= queue * 1.001 + 1
            # It takes its time after the one before it, and no longer.
            assert -1e-3 < done_ns - max(now_ns, free_ns) - size / rate * SECOND_NS < 1.001
            free_ns = done_ns


# streams

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(0, 1), st.integers(0, 40_000)),
        st.tuples(st.just("run"), st.just(0), st.sampled_from([1, 30, 200, 3000, 150_000])),
        st.tuples(st.sampled_from(["symmetric", "one-way", "clog"]), st.integers(0, 1), st.just(0)),
        st.tuples(st.sampled_from(["heal", "close", "crash", "vanish"]), st.integers(0, 1), st.just(0)),
    ),
    max_size=25,
)


@given(seed=st.integers(0, 50), limited=st.booleans(), steps=STEPS)
def test_a_stream_delivers_everything_in_order_or_ends(
    seed: int, limited: bool, steps: list[tuple[str, int, int]]
) -> None:
    links = {"loss": 0.05, **({"uplink": 2e5, "downlink": 1e5} if limited else {})}
    hosts = NetworkWorld(seed, links, {"jitter": 0.5}, StreamConfig(window_bytes=60_000))
    peers = hosts.peers(2)
    name = peers[0].open(peers[1])
    hosts.run(5.0)
    if peers[0].opened != [name]:
        return
    peers[0].send(b"first", name)
    hosts.run(5.0)
    names = (name, peers[1].received[0][2])
    sent: tuple[list[bytes], list[bytes]] = ([b"first"], [])
    handles: list[int] = []
    disturbed = False
    for number, (step, which, amount) in enumerate(steps):
        if step == "send":
            packet = number.to_bytes(2, "big") + bytes(amount)
            sent[which].append(packet)
            peers[which].send(packet, names[which])
        elif step == "run":
            hosts.run(amount / 1000)
        elif step == "heal":
            while handles:
                hosts.network.partitions.end(handles.pop())
        elif step == "close":
            disturbed = True
            peers[which].close(names[which])
        elif step in ("crash", "vanish"):
            disturbed = True
            hosts.network.detach(peers[which].endpoint, silently=step == "vanish")
        else:
            disturbed = True
            handles.append(hosts.network.partitions.begin(step, [which + 1]))  # type: ignore[arg-type]
    while handles:
        hosts.network.partitions.end(handles.pop())
    hosts.run(1000.0)
    for which, peer in enumerate(peers):
        arrived = peers[1 - which].packets
        assert arrived == sent[which][: len(arrived)], "in order, nothing missing before what came"
        assert disturbed or (arrived == sent[which] and not peer.closed)
        assert len(peer.closed) <= 1
        assert peer.closed in ([], [names[which]])


# boxes

ENDPOINTS = [Endpoint("udp", f"20.0.0.{host}", port) for host, port in product((1, 2), (80, 81))]
INNERS = [Endpoint("udp", f"10.0.0.{host}", 7400) for host in (1, 2, 3)]
MOVES = st.lists(
    st.tuples(
        st.sampled_from(["out", "out", "out", "in", "in", "in", "in", "reboot"]),
        st.integers(0, 1),
        st.integers(0, 3),
        st.sampled_from([0, 11, 20]),
    ),
    min_size=10,
    max_size=40,
)


@given(
    mapping=st.sampled_from(Behaviour),
    filtering=st.sampled_from(Behaviour),
    ports=st.sampled_from(PortPolicy),
    moves=MOVES,
)
def test_a_box_lets_in_only_what_was_asked_for(
    mapping: Behaviour, filtering: Behaviour, ports: PortPolicy, moves: list[tuple[str, int, int, int]]
) -> None:
    config = NatBoxConfig(mapping=mapping, filtering=filtering, ports=ports, timeout_s=30.0, mappings_max=6)
    nat = NatBox(config, "11.0.0.1", Random(1))
    now_s = 0
    asked: list[tuple[int, Endpoint, Endpoint, Endpoint]] = []
    for move, who, where, pause_s in moves:
        now_s += pause_s
        inner, outer = INNERS[who], ENDPOINTS[where]
        if move == "reboot":
            nat.reboot()
            asked.clear()
        elif move == "out":
            seen = nat.outbound(inner, outer, now_s * SECOND_NS)
            if seen is not None:
                asked.append((now_s, inner, seen, outer))
        else:
            known = [entry[2] for entry in asked] or [Endpoint("udp", "11.0.0.1", 7400)]
            mapped = known[who % len(known)]
            found = nat.inbound(mapped, outer, now_s * SECOND_NS)
            recent = [entry for entry in asked if now_s - entry[0] <= 30 and entry[2] == mapped]
            # The naive filter: a list of everything that went out in the last 30 seconds.
            passing = [entry for entry in recent if allows(filtering, entry[3], outer)]
            assert found == (passing[-1][1] if passing else None)


def allows(filtering: Behaviour, sent_to: Endpoint, source: Endpoint) -> bool:
    return {
        Behaviour.ENDPOINT_INDEPENDENT: True,
        Behaviour.ADDRESS_DEPENDENT: sent_to.host == source.host,
        Behaviour.ADDRESS_AND_PORT_DEPENDENT: sent_to == source,
    }[filtering]
