"""Which addresses a node listens at and is reached at, IPv4 and IPv6."""

from __future__ import annotations

import socket

import pytest
from node_world import Nodes, until_done

from mesh99.node.addresses import bind_pair, for_socket, own_address, plain, reached_at
from mesh99.wire.endpoint import Endpoint

needs_ipv6 = pytest.mark.skipif(not own_address(socket.AF_INET6), reason="this machine has no IPv6 address")


@pytest.mark.parametrize(
    ("host", "mapped"), [("192.0.2.1", "::ffff:192.0.2.1"), ("2001:db8::1", "2001:db8::1"), ("::1", "::1")]
)
def test_addresses_are_mapped_for_ipv6_sockets_only(host: str, mapped: str) -> None:
    assert for_socket(host, socket.AF_INET6) == mapped
    assert for_socket(host, socket.AF_INET) == host
    assert plain(mapped) == host


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", pytest.param("::", marks=needs_ipv6)])
def test_udp_and_tcp_share_a_port_or_nothing_stays_bound(host: str) -> None:
    udp, tcp = bind_pair(Endpoint("udp", host, 0))
    with udp, tcp:
        port = udp.getsockname()[1]
        assert tcp.getsockname()[1] == port
        with pytest.raises(OSError, match="in use"):
            bind_pair(Endpoint("udp", host, port))
    for each in bind_pair(Endpoint("udp", host, port)):
        each.close()


def test_a_bound_address_is_where_it_is_reached() -> None:
    endpoint = Endpoint("udp", "127.0.0.1", 7)
    assert reached_at(endpoint) == (endpoint,)


def test_all_addresses_are_the_machine_s_own_and_then_loopback() -> None:
    hosts = [endpoint.host for endpoint in reached_at(Endpoint("udp", "0.0.0.0", 7))]
    assert hosts[-1] == "127.0.0.1"
    assert "0.0.0.0" not in hosts
    hosts = [endpoint.host for endpoint in reached_at(Endpoint("udp", "::", 7))]
    assert hosts[-2:] == ["127.0.0.1", "::1"]
    assert "::" not in hosts


@needs_ipv6
@pytest.mark.parametrize("listen", ["127.0.0.1:0", "[::1]:0", "[::]:0"])
async def test_a_node_at_all_addresses_meets_peers_of_both_kinds(nodes: Nodes, listen: str) -> None:
    both = await nodes.start("both", listen="[::]:0")
    loopback = "127.0.0.1" if listen.startswith("127") else "::1"
    [meeting] = [str(endpoint) for endpoint in both.endpoints if endpoint.host == loopback]
    other = await nodes.start("other", listen=listen, peers=(meeting,))
    [peer] = other.peers()
    assert peer.endpoint == meeting
    assert Endpoint.parse(both.peers()[0].endpoint).host == loopback
    answer = await other.call("echo", "x" * 600_000, to=both.node_id, timeout_s=20)
    assert len(answer.reply) == 600_000
    back = await until_done(lambda: both.call("echo", "y" * 600_000, to="other"))
    assert back.sender == other.node_id.text


def test_a_free_port_of_udp_that_is_taken_for_tcp_is_not_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        real, asked = socket.socket.bind, []

        class Chosen(socket.socket):
            def bind(self, address):
                if self.type == socket.SOCK_DGRAM:
                    asked.append(address)
                    address = (address[0], port if len(asked) == 1 else address[1])
                real(self, address)

        monkeypatch.setattr(socket, "socket", Chosen)
        udp, tcp = bind_pair(Endpoint("udp", "127.0.0.1", 0))
        with udp, tcp:
            assert udp.getsockname()[1] == tcp.getsockname()[1] != port
        assert len(asked) == 2
