"""Where adversaries are: everyone in a network of its own, or all in a few public /24 networks."""

from __future__ import annotations

from ...wire.endpoint import Endpoint

HOSTS_PER_SUBNET = 250
"""Addresses of a /24 that machines have; further nodes share them under other ports."""

FIRST_NETWORK = 45
"""The first byte of rented addresses: public, and apart from those of the honest."""

PORT = 7400


def rented(position: int, subnets: int) -> Endpoint:
    """Return the endpoint of one of many nodes that share `subnets` public /24 networks."""
    subnet, row = position % subnets, position // subnets
    host, extra = row % HOSTS_PER_SUBNET + 1, row // HOSTS_PER_SUBNET
    return Endpoint("udp", f"{FIRST_NETWORK}.{subnet >> 8 & 255}.{subnet & 255}.{host}", PORT + extra)


def nowhere(number: int) -> Endpoint:
    """Return an endpoint at which there is nobody, in a public network of its own."""
    return Endpoint(
        "udp", f"{FIRST_NETWORK + 1}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}", PORT
    )
