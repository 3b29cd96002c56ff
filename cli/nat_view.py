"""What a person reads of NAT: what kind it is, what works with whom, and what to change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

KINDS = {
    "open": "open: strangers get in, everybody can call this node",
    "easy": "easy: whoever is told its endpoint gets in, once this node sent him something",
    "hard": "hard: another endpoint for each peer (a symmetric NAT)",
    "blocked": "blocked: no UDP passes; it calls over TCP, and is called through relays",
    "unknown": "not known yet",
}

MAPPINGS = {
    "none": "none: there is no NAT, peers see this node's own address",
    "endpoint-independent": "endpoint-independent: the same outer endpoint for every peer",
    "address-and-port-dependent": "address-and-port-dependent: another outer endpoint for each peer",
    "unknown": "unknown",
}

FILTERINGS = {
    "endpoint-independent": "endpoint-independent: everything comes in",
    "address-or-port-dependent": "address-or-port-dependent: only what was sent to can answer",
    "unknown": "unknown",
}

DIRECT = "direct"
PUNCHED = "direct, after both sides knock; the relay introduces them"
PUNCHED_LATER = "often direct after knocking, through a relay until then or else"
RELAYED = "through a relay"

WORKS: dict[str, tuple[tuple[str, str], ...]] = {
    "open": (("open", DIRECT), ("easy", DIRECT), ("hard", DIRECT), ("blocked", "over TCP, which they open")),
    "easy": (("open", DIRECT), ("easy", PUNCHED), ("hard", PUNCHED_LATER), ("blocked", RELAYED)),
    "hard": (("open", DIRECT), ("easy", PUNCHED_LATER), ("hard", RELAYED), ("blocked", RELAYED)),
    "blocked": (
        ("open", "over TCP, which this node opens"),
        ("easy", RELAYED),
        ("hard", RELAYED),
        ("blocked", RELAYED),
    ),
    "unknown": (),
}
"""What becomes of a line to peers of each kind, by the kind of this node."""


def facts(nat: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what is known, most wanted first."""
    return [
        ("this node is", KINDS[nat["kind"]]),
        ("mapping", MAPPINGS[nat["mapping"]]),
        ("filtering", FILTERINGS[nat["filtering"]]),
        ("observed at", "  ".join(nat["observed"]) or "nobody said yet"),
        ("advertised", "  ".join(nat["advertised"]) or "-"),
        ("relays", "  ".join(map(relay_text, nat["relays"])) or relays_missing(nat)),
    ]


def server_facts(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what a STUN server's answers say."""
    return [
        ("this machine is", KINDS[found["kind"]]),
        ("mapping", MAPPINGS[found["mapping"]]),
        ("filtering", FILTERINGS[found["filtering"]]),
        ("observed at", "  ".join(found["observed"])),
    ]


def relay_text(relay: Mapping[str, Any]) -> str:
    """Return one relay in a few words."""
    rtt_ms = relay["rtt_ms"]
    measured = "" if rtt_ms is None else f", {rtt_ms:.1f} ms"
    return f"{relay['name'] or relay['node_id'][:8]} ({relay['endpoint']}{measured})"


def relays_missing(nat: Mapping[str, Any]) -> str:
    """Return why nobody relays for this node."""
    return "none found yet" if nat["wants_relays"] else "none needed"


def advice(nat: Mapping[str, Any]) -> list[str]:
    """Return what the owner can do, the most useful first; nothing when all is well."""
    if nat["kind"] == "blocked":
        return ["let UDP pass in the firewall, and peers are met without a relay in between"]
    if not nat["at_large"]:
        return [
            "nobody sees this node from the internet: on one machine or network there is nothing to change"
        ]
    if nat["kind"] == "open":
        return [] if nat["serves"] else ["others can be reached through this node: it could serve as a relay"]
    told = (
        []
        if not (nat["serves"] and is_closed(nat))
        else ["it runs with --relay, but strangers do not get in"]
    )
    if nat["mapping"] == "unknown":
        told.append("two peers of other networks are needed to tell the mapping")
    if is_closed(nat):
        told.append(f"forward {forwarded(nat)} to this machine in the router, and everybody can call it")
    if nat["wants_relays"] and not nat["relays"]:
        told.append(
            "join a node that serves as a relay (--peer H:P): without one, strangers cannot call this node"
        )
    return told


def is_closed(nat: Mapping[str, Any]) -> bool:
    """Tell whether a box was found that keeps strangers out."""
    return nat["kind"] in ("easy", "hard") or nat["filtering"] == "address-or-port-dependent"


def forwarded(nat: Mapping[str, Any]) -> str:
    """Return the port that a router would have to forward."""
    ports = [text.rpartition(":")[2] for text in nat["advertised"] if text.startswith("udp:")]
    return f"UDP port {ports[0]}" if ports else "its UDP port"
