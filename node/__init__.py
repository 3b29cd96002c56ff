"""The agent's node, and what a program needs to use it."""

from __future__ import annotations

from ..wire.errors import (
    DeadlineExceeded,
    LookupFailed,
    MeshError,
    NoPath,
    RemoteRejected,
)
from ..wire.identity import NodeId
from ..wire.node_record import NodeRecord
from .config import NodeConfig
from .messages import Header, InvalidMessage, Message
from .node import Node

__all__ = [
    "DeadlineExceeded",
    "Header",
    "InvalidMessage",
    "LookupFailed",
    "MeshError",
    "Message",
    "NoPath",
    "Node",
    "NodeConfig",
    "NodeId",
    "NodeRecord",
    "RemoteRejected",
]
