"""Whatever routers and others in the local network send: it is read, or counted and dropped, and never raises."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from mesh99.nat.mapping import soap, ssdp
from mesh99.nat.mapping.answer import LIFE_S_MAX
from mesh99.nat.mapping.config import MappingConfig
from mesh99.nat.mapping.description import services
from mesh99.nat.mapping.gateway import GatewayClient
from mesh99.nat.mapping.igd import HttpAnswer, IgdClient
from mesh99.nat.mapping.nat_pmp import NatPmp
from mesh99.nat.mapping.pcp import Pcp
from mesh99.nat.mapping.url import Url, join
from mesh99.nat.mapping.xml_tree import parse
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.errors import DecodeError, NoMapping

GATEWAY = Endpoint("udp", "192.168.77.1", 5351)
OWN = Endpoint("udp", "192.168.77.2", 7400)
LOCATION = Url("192.168.77.1", 5000, "/rootDesc.xml")
CONFIG = MappingConfig()
HEADS = (b"\x02\x81\x00\x00", b"\x00\x80\x00\x00", b"\x00\x81\x00\x00", b"\x00\x82\x00\x00", b"")


def _client() -> GatewayClient:
    return GatewayClient(GATEWAY, OWN, CONFIG, bytes(32), 0.0)


@st.composite
def packets(draw: st.DrawFn) -> bytes:
    """Draw packets that look like answers, some of them answers to what was really asked."""
    kind = draw(st.sampled_from(("any", "pcp", "nat-pmp")))
    number = draw(st.binary(min_size=4, max_size=4))
    if kind == "pcp":
        client = _client()
        client.handle_timeout(0.0)
        asked = client.packets[0]
        result = draw(st.sampled_from((0, 0, 0, 1, 2, 8, 255)))
        port = draw(st.binary(min_size=2, max_size=2))
        return bytes((2, 0x81, 0, result)) + number + number + bytes(12) + asked[24:42] + port + asked[44:]
    if kind == "nat-pmp":
        head = bytes((0, draw(st.sampled_from((0x80, 0x81, 0x82))), 0, draw(st.integers(0, 6)))) + number
        return head + draw(st.sampled_from((bytes((20, 0, 0, 1)), b"\x1c\xe8\x27\x10" + number)))
    return draw(st.sampled_from(HEADS)) + draw(st.binary(max_size=80))


@given(
    st.lists(
        st.tuples(packets(), st.floats(0, 4000), st.sampled_from(("", "renew", "give back"))), max_size=12
    )
)
def test_a_gateway_may_say_anything(said: list[tuple[bytes, float, str]]) -> None:
    client, now = _client(), 0.0
    for packet, pause_s, command in said:
        client.handle_timeout(now)
        assert len(client.packets) <= 4
        client.packets.clear()
        client.receive(packet, GATEWAY, now)
        if command == "renew":
            client.renew(now)
        elif command:
            client.give_back(now)
        now += pause_s
        mapped = client.mapped
        for lease in mapped.leases if mapped is not None else ():
            assert 0 < lease.external_port < 65_536
            assert 0 < lease.life_s <= LIFE_S_MAX
        assert isinstance(client.failure, str)
        due_at = client.next_timeout()
        assert due_at is None or due_at >= 0


@given(packets())
def test_a_truncated_answer_maps_nothing_and_raises_nothing(packet: bytes) -> None:
    for size in range(len(packet)):
        client = _client()
        client.handle_timeout(0.0)
        client.receive(packet[:size], GATEWAY, 0.1)
        if packet[:1] == b"\2":
            assert client.mapped is None


@given(st.sampled_from(("udp", "tcp")), st.integers(0, 2**32 - 1), st.integers(0, 65_535))
def test_requests_have_their_sizes(transport: str, life_s: int, port: int) -> None:
    assert len(Pcp("192.168.77.2", 7400, bytes(32)).request(transport, life_s, port)) == 60
    assert len(NatPmp(7400).request(transport, life_s, port)) == 12


ANSWER = b"HTTP/1.1 200 OK\r\nST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\nLOCATION: "


@given(st.binary(max_size=300), st.booleans())
def test_anybody_may_answer_a_search(packet: bytes, is_like_one: bool) -> None:
    try:
        url = ssdp.location(ANSWER * is_like_one + packet, GATEWAY)
    except DecodeError:
        return
    assert url.host == GATEWAY.host


@given(st.one_of(st.text(max_size=80), st.from_regex(r"(http:)?//[\[\]@:/.0-9a-f%]{0,30}", fullmatch=True)))
def test_no_url_leads_elsewhere(text: str) -> None:
    try:
        url = join(LOCATION, text)
    except DecodeError:
        return
    assert url.host == LOCATION.host
    assert 0 < url.port < 65_536


TAGS = (
    "a",
    "service",
    "serviceType",
    "controlURL",
    "URLBase",
    "errorCode",
    "u:ActResponse",
    "!DOCTYPE",
    "!--",
    "?",
)
MARKUP = st.lists(
    st.one_of(
        st.sampled_from(TAGS).map(lambda tag: f"<{tag}>"),
        st.sampled_from(TAGS).map(lambda tag: f"</{tag}>"),
        st.sampled_from(("http://10.0.0.1/", "/x", "&b;", "&#0;", "&#x41;", "]]>", "<![CDATA[", "718")),
        st.text(max_size=5),
    ),
    max_size=30,
).map("".join)


@given(st.one_of(MARKUP.map(str.encode), st.binary(max_size=100)))
def test_documents_may_be_anything(document: bytes) -> None:
    for read in (
        parse,
        soap.fault,
        lambda data: soap.response(data, "Act"),
        lambda data: services(data, LOCATION),
    ):
        try:
            read(document)
        except DecodeError:
            continue


ANSWERS = st.one_of(
    st.none(),
    st.builds(HttpAnswer, st.sampled_from((200, 500, 404)), st.binary(max_size=40)),
    st.builds(
        HttpAnswer,
        st.sampled_from((200, 500)),
        st.sampled_from(
            (
                b"<s><serviceType>urn:schemas-upnp-org:service:WANIPConnection:2</serviceType></s>",
                b"<service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:2</serviceType>"
                b"<controlURL>/c</controlURL></service>",
                b"<GetExternalIPAddressResponse><NewExternalIPAddress>20.0.0.1</NewExternalIPAddress>"
                b"</GetExternalIPAddressResponse>",
                b"<AddAnyPortMappingResponse><NewReservedPort>7400</NewReservedPort></AddAnyPortMappingResponse>",
                b"<AddAnyPortMappingResponse><NewReservedPort>0</NewReservedPort></AddAnyPortMappingResponse>",
                b"<AddPortMappingResponse/>",
                *(b"<errorCode>%d</errorCode>" % code for code in (401, 606, 716, 718, 725)),
            )
        ),
    ),
)


@given(st.lists(ANSWERS, max_size=40))
def test_a_router_may_answer_anything_over_http(answers: list[HttpAnswer | None]) -> None:
    dialogue = IgdClient(LOCATION, OWN, CONFIG, Random(1)).map(0.0)
    asked = 0
    try:
        request = next(dialogue)
        for answer in answers:
            assert request.url.host == LOCATION.host
            asked += 1
            request = dialogue.send(answer)
    except StopIteration as end:
        mapped = end.value
    except (DecodeError, NoMapping):
        mapped = None
    else:
        mapped = None
    assert mapped is None or mapped.port("udp") > 0
    assert asked < 20
