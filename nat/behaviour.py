"""How a box treats packets, in the words of RFC 4787."""

from __future__ import annotations

from enum import Enum


class Mapping(Enum):
    """Which outer endpoint a box gives to what one inner endpoint sends."""

    UNKNOWN = "unknown"
    NONE = "none"
    """There is no box: others see what this node has."""
    ENDPOINT_INDEPENDENT = "endpoint-independent"
    """The same for everybody: who tells one peer tells all."""
    ADDRESS_AND_PORT_DEPENDENT = "address-and-port-dependent"
    """Another one for each destination."""


class NatKind(Enum):
    """What matters to those who call a node, in one word; it stands in the node's record."""

    UNKNOWN = "unknown"
    OPEN = "open"
    """Strangers get in."""
    EASY = "easy"
    """Whoever is told its endpoint gets in, once something was sent to him."""
    HARD = "hard"
    """It has another endpoint for each peer."""
    BLOCKED = "blocked"
    """No UDP passes: a relay is the only way, and there is nothing to knock at."""


class Filtering(Enum):
    """What a box lets in."""

    UNKNOWN = "unknown"
    ENDPOINT_INDEPENDENT = "endpoint-independent"
    """Everything: the node is open."""
    DEPENDENT = "address-or-port-dependent"
    """Only what comes from where something was sent to."""


def kind_of(mapping: Mapping, filtering: Filtering) -> NatKind:
    """Return what a box is to those who call."""
    if filtering is Filtering.ENDPOINT_INDEPENDENT:
        return NatKind.OPEN
    if mapping is Mapping.ADDRESS_AND_PORT_DEPENDENT:
        return NatKind.HARD
    known = mapping is Mapping.ENDPOINT_INDEPENDENT or filtering is Filtering.DEPENDENT
    return NatKind.EASY if known else NatKind.UNKNOWN
