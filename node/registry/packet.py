"""Packet: the info packet an agent registers with, checked (sans-IO).

Agent99 asks for a JSON object with `capabilities`, an array of strings, and keeps every other key as it is.
We ask the same of the keys we read and answer 400 with the field at fault where Agent99 answers 500:

  name          text
  capabilities  texts; lower-cased, as discovery compares them
  ttl           seconds to live without a heartbeat; absent: for ever, or the registry's default beside `p2p`
  p2p           a signed node record (`p2p.py`), which `name` and `capabilities` must not contradict: they are
                unsigned, and anybody may post somebody else's record
  uuid          ignored and overwritten, as Agent99 does
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from ...wire.node_record import NodeRecord
from .config import RegistryConfig
from .p2p import SignedNode, signed_node
from .refusal import Refusal


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet that may be stored. `ttl_s` is None for an agent that stays until it is withdrawn."""

    values: dict[str, object]
    capabilities: list[str]
    ttl_s: float | None
    signed: SignedNode | None

    def encode(self, uuid: str) -> str:
        """Give the JSON text that the registry hands out."""
        return msgspec.json.encode({**self.values, "uuid": uuid}).decode()


def parse_packet(body: bytes, config: RegistryConfig) -> Packet:
    """Parse the body of a registration; raise Refusal with the field at fault."""
    values = _parse_object(body, config.nesting_max)
    capabilities = _capabilities(values, config)
    name = _text(values.get("name", ""), "name", config.text_chars_max)
    signed = signed_node(values["p2p"]) if "p2p" in values else None
    if signed is not None:
        _agree(name, capabilities, signed.node)
    ttl_s = _ttl(values, config, default=None if signed is None else config.ttl_s)
    return Packet({**values, "capabilities": capabilities}, capabilities, ttl_s, signed)


def _parse_object(body: bytes, nesting_max: int) -> dict[str, object]:
    try:
        values = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(400, f"the body is not JSON: {error}") from None
    if not isinstance(values, dict):
        raise Refusal(400, "the body must be a JSON object")
    if not _is_flat(values, nesting_max):
        raise Refusal(400, f"the body is nested deeper than {nesting_max}")
    return values


def _is_flat(value: object, nesting_max: int) -> bool:
    """Walk level by level: the parser bounds the depth by the stack only."""
    level = [value]
    for _ in range(nesting_max):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return True
    return False


def _children(value: object) -> list[object]:
    values = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [child for child in values if isinstance(child, dict | list)]


def _capabilities(values: dict[str, object], config: RegistryConfig) -> list[str]:
    given = values.get("capabilities")
    if not isinstance(given, list):
        raise Refusal(400, "must be an array of strings", "capabilities")
    if len(given) > config.capabilities_max:
        raise Refusal(400, f"must hold at most {config.capabilities_max}", "capabilities")
    return [
        _text(capability, f"capabilities[{index}]", config.text_chars_max).lower()
        for index, capability in enumerate(given)
    ]


def _text(value: object, field: str, chars_max: int) -> str:
    if not isinstance(value, str):
        raise Refusal(400, "must be a string", field)
    if len(value) > chars_max:
        raise Refusal(400, f"must have at most {chars_max} characters", field)
    return value


def _ttl(values: dict[str, object], config: RegistryConfig, default: float | None) -> float | None:
    ttl_s = values.get("ttl", default)
    if ttl_s is None:
        return default
    if isinstance(ttl_s, bool) or not isinstance(ttl_s, int | float):
        raise Refusal(400, "must be a number of seconds", "ttl")
    if not config.ttl_s_min <= ttl_s <= config.ttl_s_max:
        raise Refusal(400, f"must lie between {config.ttl_s_min:g} and {config.ttl_s_max:g} seconds", "ttl")
    return float(ttl_s)


def _agree(name: str, capabilities: list[str], node: NodeRecord) -> None:
    if node.name and name != node.name:
        raise Refusal(400, "differs from the signed record", "name")
    for capability in node.capabilities:
        if capability.lower() not in capabilities:
            raise Refusal(400, f"lacks {capability!r} of the signed record", "capabilities")
