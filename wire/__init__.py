"""Bytes and keys: identities, endpoints, records, handshakes, sessions. Sans-IO; nothing of ours is imported here.

What others name all the time stands here; the rest is imported from its module.
"""

from .contact import Contact
from .endpoint import Endpoint
from .errors import DecodeError, MeshError
from .identity import Identity, NodeId, PublicKey
from .node_record import NodeRecord
from .record import Record

__all__ = [
    "Contact",
    "DecodeError",
    "Endpoint",
    "Identity",
    "MeshError",
    "NodeId",
    "NodeRecord",
    "PublicKey",
    "Record",
]
