"""What routers answer, the same for PCP and NAT-PMP."""

from __future__ import annotations

from typing import NamedTuple

TRANSPORTS = ("udp", "tcp")
"""What is mapped, in the order of asking."""

LIFE_S_MAX = 24 * 3600
"""A longer life is cut to this: whoever grants a century may not last the week."""

PORT = 5351
"""Where routers listen for both protocols (RFC 6886, section 3; RFC 6887, section 19.1)."""


class Answer(NamedTuple):
    """One answer: a mapping, an address, or a refusal."""

    transport: str
    """Which mapping it is about; empty when it is about none."""
    refusal: str
    """Why not, in a few words; empty when it was done."""
    epoch_s: int
    life_s: int = 0
    external_host: str = ""
    """The router's outer address, where the answer names it."""
    external_port: int = 0
    unsupported: bool = False
    """The router does not speak this protocol at all."""
