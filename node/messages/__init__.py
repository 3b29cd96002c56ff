"""Typed messages: what agents say to each other, and how requests find their handlers and replies those who asked."""

from __future__ import annotations

from .calls import CallsConfig, PendingCalls
from .dispatch import Dispatcher, DispatcherConfig
from .envelope import Envelope, Header, Headers
from .errors import InvalidMessage
from .message import Message

__all__ = [
    "CallsConfig",
    "Dispatcher",
    "DispatcherConfig",
    "Envelope",
    "Header",
    "Headers",
    "InvalidMessage",
    "Message",
    "PendingCalls",
]
