"""UPnP routers: what they answer to a search, what they say of themselves, and how ports are got from them."""

from __future__ import annotations

import re
from random import Random
from typing import TypeVar

import pytest

from mesh99.nat.mapping import soap, ssdp
from mesh99.nat.mapping.config import MappingConfig
from mesh99.nat.mapping.description import SERVICE_TYPES, services
from mesh99.nat.mapping.igd import Dialogue, HttpAnswer, HttpRequest, IgdClient
from mesh99.nat.mapping.url import Url, join, parse_at
from mesh99.nat.mapping.xml_tree import DEPTH_MAX, ELEMENTS_MAX, parse
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.errors import DecodeError, NoMapping

T = TypeVar("T")

ROUTER = Endpoint("udp", "192.168.77.1", 1900)
LOCATION = Url("192.168.77.1", 5000, "/rootDesc.xml")
OWN = Endpoint("udp", "192.168.77.2", 7400)
V2, V1, PPP = SERVICE_TYPES

ANSWER = (
    "HTTP/1.1 200 OK\r\n"
    "CACHE-CONTROL: max-age=120\r\n"
    "ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n"
    "USN: uuid:1::urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n"
    "EXT:\r\n"
    "SERVER: Debian/12 UPnP/1.1 MiniUPnPd/2.3.1\r\n"
    "LOCATION: http://192.168.77.1:5000/rootDesc.xml\r\n"
    "\r\n"
)


def description(*kinds: str, control: str = "/ctl/IPConn", base: str = "") -> bytes:
    """Return the description of a router with services."""
    listed = "".join(
        f"<service><serviceType>{kind}</serviceType><controlURL>{control}</controlURL></service>"
        for kind in kinds
    )
    url_base = f"<URLBase>{base}</URLBase>" if base else ""
    return (
        '<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0">'
        f"{url_base}<device><deviceList><device><serviceList>{listed}</serviceList></device></deviceList></device></root>"
    ).encode()


def test_a_search_asks_for_routers_of_either_version() -> None:
    first, second = ssdp.searches()
    assert first.startswith(
        b'M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: "ssdp:discover"\r\nMX: 1\r\nST: '
    )
    assert b"InternetGatewayDevice:2\r\n\r\n" in first
    assert b"InternetGatewayDevice:1\r\n\r\n" in second


def test_an_answer_names_the_description() -> None:
    assert ssdp.location(ANSWER.encode(), ROUTER) == LOCATION


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("200 OK", "404 Not Found"),
        ("HTTP/1.1 200 OK", "NOTIFY * HTTP/1.1"),
        ("ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1", "ST: ssdp:all"),
        ("http://192.168.77.1", "http://192.168.77.9"),
        ("http://192.168.77.1", "http://127.0.0.1"),
        ("http://192.168.77.1", "http://169.254.169.254"),
        ("http://192.168.77.1", "https://192.168.77.1"),
        ("http://192.168.77.1", "file://192.168.77.1"),
        ("http://192.168.77.1", "http://192.168.77.1@10.0.0.1"),
        ("http://192.168.77.1", "http://user:word@192.168.77.1"),
        ("http://192.168.77.1", "http://router.lan"),
        (":5000", ":99999"),
        ("rootDesc.xml", "x" * 600),
        ("rootDesc.xml", "a b"),
        ("LOCATION: http://192.168.77.1:5000/rootDesc.xml\r\n", ""),
    ],
)
def test_an_answer_that_leads_elsewhere_is_refused(old: str, new: str) -> None:
    assert old in ANSWER
    with pytest.raises(DecodeError):
        ssdp.location(ANSWER.replace(old, new).encode(), ROUTER)


@pytest.mark.parametrize("host", ["20.0.0.9", "127.0.0.1", "0.0.0.0"])
def test_only_the_local_network_answers(host: str) -> None:
    packet = ANSWER.replace("192.168.77.1", host).encode()
    with pytest.raises(DecodeError, match="local network"):
        ssdp.location(packet, Endpoint("udp", host, 1900))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/ctl", "/ctl"),
        ("ctl?a=b", "/ctl?a=b"),
        ("http://192.168.77.1:5000/x", "/x"),
        ("//192.168.77.1:5000/x", "/x"),
        ("", "/rootDesc.xml"),
    ],
)
def test_a_control_url_stays_at_the_host(text: str, path: str) -> None:
    assert join(LOCATION, text) == LOCATION._replace(path=path)


@pytest.mark.parametrize(
    "text",
    ["http://192.168.77.2:5000/x", "//10.0.0.1/x", "http://[::1]/", "http://[", "gopher://192.168.77.1/"],
)
def test_a_control_url_elsewhere_is_refused(text: str) -> None:
    with pytest.raises(DecodeError):
        join(LOCATION, text)


def test_a_url_without_a_port_means_80() -> None:
    assert parse_at("http://10.0.0.1", "10.0.0.1") == Url("10.0.0.1", 80, "/")


def test_the_best_service_comes_first() -> None:
    found = services(description(PPP, V1, "urn:schemas-upnp-org:service:Layer3Forwarding:1", V2), LOCATION)
    assert [service.kind for service in found] == [V2, V1, PPP]


def test_the_base_of_old_descriptions_is_heeded() -> None:
    (service,) = services(description(V1, control="ctl", base="http://192.168.77.1:80/up/"), LOCATION)
    assert service.control == Url("192.168.77.1", 80, "/up/ctl")


def test_a_service_at_another_host_is_left_out() -> None:
    assert services(description(V1, control="http://10.0.0.1/ctl"), LOCATION) == []
    with pytest.raises(DecodeError):
        services(description(V1, base="http://10.0.0.1/"), LOCATION)


BOMB = '<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]><a>&c;</a>'
FILE = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'


@pytest.mark.parametrize(
    "document",
    [
        BOMB,
        FILE,
        '<!DOCTYPE a SYSTEM "http://10.0.0.1/"><a/>',
        "<a>&undefined;</a>",
        "<a>" * (DEPTH_MAX + 1) + "</a>" * (DEPTH_MAX + 1),
        "<a>" + "<b/>" * ELEMENTS_MAX + "</a>",
        "<a>",
        "",
        "no xml",
        "<a/><b/>",
        '<?xml version="1.0" encoding="no-such"?><a/>',
    ],
)
def test_xml_that_could_do_harm_is_refused(document: str) -> None:
    with pytest.raises(DecodeError):
        parse(document.encode())


def test_xml_is_read_without_prefixes() -> None:
    root = parse(b'<s:a xmlns:s="x"><b> one </b><s:b>two &amp; three</s:b></s:a>')
    assert [element.text.strip() for element in root.every("b")] == ["one", "two & three"]


def test_a_call_escapes_what_it_is_given() -> None:
    body = soap.request("urn:x", "Act", {"A": "<&>", "B": 7}).decode()
    assert '<u:Act xmlns:u="urn:x"><A>&lt;&amp;&gt;</A><B>7</B></u:Act>' in body


def _fault(code: int) -> bytes:
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><detail>'
        f"<UPnPError><errorCode>{code}</errorCode></UPnPError></detail></s:Fault></s:Body></s:Envelope>"
    ).encode()


class Router:
    """A UPnP router that answers over HTTP."""

    def __init__(self, kind: str = V2, host: str = "20.0.0.1") -> None:
        self.kind, self.host = kind, host
        self.taken: set[int] = set()
        self.faults: dict[str, int] = {}
        self.permanent_only = False
        self.mapped: dict[tuple[str, int], tuple[str, int, int]] = {}
        self.actions: list[str] = []
        self.silent = False
        self.now = 100.0
        self.client = IgdClient(LOCATION, OWN, MappingConfig(), Random(1))

    def run(self, dialogue: Dialogue[T]) -> T:
        """Answer until the dialogue is over."""
        try:
            request = next(dialogue)
            while True:
                request = dialogue.send(None if self.silent else self._answer(request))
        except StopIteration as end:
            result: T = end.value
            return result

    def _answer(self, request: HttpRequest) -> HttpAnswer:
        assert request.url.host == LOCATION.host
        if not request.action:
            return HttpAnswer(200, description(self.kind))
        kind, _, action = request.action.partition("#")
        assert kind == self.kind
        self.actions.append(action)
        arguments = dict(re.findall(r"<(New\w+)>([^<]*)<", request.body.decode()))
        code = self.faults.get(action, 0)
        returned: dict[str, object] = {}
        if not code and action == "GetExternalIPAddress":
            returned["NewExternalIPAddress"] = self.host
        elif not code:
            code, returned = self._act(action, arguments)
        if code:
            return HttpAnswer(500, _fault(code))
        body = soap.request(self.kind, f"{action}Response", returned)
        return HttpAnswer(200, body)

    def _act(self, action: str, arguments: dict[str, str]) -> tuple[int, dict[str, object]]:
        port = int(arguments["NewExternalPort"])
        key = arguments["NewProtocol"].lower(), port
        if action == "DeletePortMapping":
            return (0, {}) if self.mapped.pop(key, None) else (714, {})
        if self.permanent_only and arguments["NewLeaseDuration"] != "0":
            return 725, {}
        if port in self.taken and action == "AddPortMapping":
            return 718, {}
        port = 20_000 if port in self.taken else port
        inner = arguments["NewInternalClient"], int(arguments["NewInternalPort"])
        self.mapped[key[0], port] = (*inner, int(arguments["NewLeaseDuration"]))
        return 0, {"NewReservedPort": port} if action == "AddAnyPortMapping" else {}


@pytest.mark.parametrize("kind", SERVICE_TYPES)
def test_ports_are_got_renewed_and_given_back(kind: str) -> None:
    router = Router(kind)
    for now in (100.0, 3700.0):
        mapped = router.run(router.client.map(now))
        assert (mapped.protocol, mapped.external_host) == ("upnp-igd", "20.0.0.1")
        assert (mapped.port("udp"), mapped.port("tcp")) == (7400, 7400)
        assert mapped.leases[0].ends_at == now + 7200
        assert set(router.mapped.values()) == {("192.168.77.2", 7400, 7200)}
    router.run(router.client.unmap())
    assert router.mapped == {}


@pytest.mark.parametrize("kind", [V2, V1])
def test_a_port_of_another_host_is_left_to_it(kind: str) -> None:
    router = Router(kind)
    router.taken = {7400}
    mapped = router.run(router.client.map(100.0))
    assert mapped.port("udp") not in (0, 7400)
    assert mapped.port("tcp") == mapped.port("udp")
    again = router.run(router.client.map(200.0))
    assert again.port("udp") == mapped.port("udp")


def test_a_router_of_version_2_may_know_the_actions_of_version_1_only() -> None:
    router = Router()
    router.faults["AddAnyPortMapping"] = 401
    assert router.run(router.client.map(100.0)).port("udp") == 7400


def test_a_router_that_knows_no_end_is_asked_for_none() -> None:
    router = Router(V1)
    router.permanent_only = True
    mapped = router.run(router.client.map(100.0))
    assert mapped.leases[0].life_s == 86_400
    assert {life_s for *_, life_s in router.mapped.values()} == {0}


def test_udp_alone_is_good_enough() -> None:
    router = Router(V1)
    whole = router._act
    router._act = (  # type: ignore[method-assign]
        lambda action, arguments: (606, {}) if arguments["NewProtocol"] == "TCP" else whole(action, arguments)
    )
    mapped = router.run(router.client.map(100.0))
    assert (mapped.port("udp"), mapped.port("tcp")) == (7400, 0)


@pytest.mark.parametrize(
    ("faults", "host", "words"),
    [
        ({"AddAnyPortMapping": 606}, "20.0.0.1", "not authorized"),
        ({"AddAnyPortMapping": 718}, "20.0.0.1", "no outer port is free"),
        ({"GetExternalIPAddress": 501}, "20.0.0.1", "no connection"),
        ({}, "0.0.0.0", "no connection"),
        ({}, "", "no connection"),
    ],
)
def test_refusals_are_told(faults: dict[str, int], host: str, words: str) -> None:
    router = Router(host=host)
    router.faults = faults
    with pytest.raises(NoMapping, match=words):
        router.run(router.client.map(100.0))
    assert len(router.actions) < 20


def test_silence_is_told() -> None:
    router = Router()
    router.silent = True
    with pytest.raises(NoMapping, match="no answer"):
        router.run(router.client.map(100.0))


def test_giving_back_bears_with_anything() -> None:
    router = Router()
    router.run(router.client.map(100.0))
    router.mapped.clear()
    router.run(router.client.unmap())
    router.run(router.client.map(100.0))
    router.silent = True
    router.run(router.client.unmap())


@pytest.mark.parametrize(
    "answer", [HttpAnswer(404, b""), HttpAnswer(302, b""), HttpAnswer(500, b"<a/>"), HttpAnswer(200, b"<a")]
)
def test_answers_that_make_no_sense_end_the_dialogue(answer: HttpAnswer) -> None:
    dialogue = Router().client.map(100.0)
    next(dialogue)
    with pytest.raises((NoMapping, DecodeError)):
        dialogue.send(answer)
