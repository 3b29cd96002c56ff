"""The `p2p` key of an info packet: a signed node record in a packet that any Agent99 registry stores as it
is.

  "p2p": {"record": base64 of Record.encode(), "node_id": text, "endpoints": [text, ...]}

Only `record` counts: `node_id` and `endpoints` repeat it in clear for people and for agents without our
codec, and are refused when they say anything else. Both ends check: the server so that its list is clean, the
client because it trusts no registry.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

from ...wire.errors import DecodeError
from ...wire.identity import Identity, NodeId
from ...wire.node_record import NodeRecord
from ...wire.record import Record
from .refusal import Refusal

_RECORD_CHARS_MAX = 1400  # base64 of the 1 KiB that a record may have, and its padding


@dataclass(frozen=True, slots=True)
class SignedNode:
    """A node record that verified, and the signed record it came in."""

    record: Record
    node: NodeRecord

    @property
    def node_id(self) -> NodeId:
        """Give the id that the record's own key makes."""
        return self.record.owner.node_id


def packet_for(node_record: NodeRecord, info: Mapping[str, object], identity: Identity) -> dict[str, object]:
    """Build the info packet an agent posts: `info`'s keys, and over them what the record says.

    `info["capabilities"]` may name more than the record, which keeps only as many as fit 1 KiB.
    """
    named = info.get("capabilities", ())
    capabilities = [*node_record.capabilities, *(named if isinstance(named, list | tuple) else ())]
    return {
        "type": "hybrid",  # Agent99's word for an agent that asks and answers
        **info,
        "name": node_record.name or info.get("name", ""),
        "capabilities": list(dict.fromkeys(capabilities)),
        "p2p": {
            "record": base64.b64encode(node_record.to_record(identity).encode()).decode(),
            "node_id": node_record.node_id.text,
            "endpoints": [str(endpoint) for endpoint in node_record.endpoints],
        },
    }


def signed_node(p2p: object) -> SignedNode:
    """Check the value of a `p2p` key; raise Refusal that names the part at fault."""
    if not isinstance(p2p, dict):
        raise Refusal(400, "must be an object", "p2p")
    record = _record(p2p.get("record"))
    node_id = record.owner.node_id
    if p2p.get("node_id", node_id.text) != node_id.text:
        raise Refusal(400, "is not the id of the key that signed the record", "p2p.node_id")
    if record.key != node_id:
        raise Refusal(400, "is not stored under its owner's node id", "p2p.record")
    if not record.verify():
        raise Refusal(400, "has a wrong signature", "p2p.record")
    node = _node(record)
    endpoints = [str(endpoint) for endpoint in node.endpoints]
    if p2p.get("endpoints", endpoints) != endpoints:
        raise Refusal(400, "differs from the signed record", "p2p.endpoints")
    return SignedNode(record, node)


def _record(text: object) -> Record:
    if not isinstance(text, str) or len(text) > _RECORD_CHARS_MAX:
        raise Refusal(400, f"must be base64 text of at most {_RECORD_CHARS_MAX} characters", "p2p.record")
    try:
        return Record.decode(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        raise Refusal(400, "is not base64", "p2p.record") from None
    except DecodeError as error:
        raise Refusal(400, f"does not parse: {error}", "p2p.record") from None


def _node(record: Record) -> NodeRecord:
    try:
        return NodeRecord.from_record(record)
    except DecodeError as error:
        raise Refusal(400, f"is no node record: {error}", "p2p.record") from None
