"""Messages for the agent that come in first packets, one delay before there is a session.

Whoever sees a first packet can send it again, and the same one may come by several ways. So each message is given on
once, as far as is remembered, and the agent takes only such as do no harm when they come twice.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b

from ...wire.contact import Contact
from ...wire.frames import RELAYED_PACKET_BYTES_MAX
from ...wire.handshake_packets import INITIAL_HEAD, SEALED_KEY_BYTES
from ...wire.handshake_payload import PAYLOAD_BYTES_MAX
from ...wire.noise import KEY_BYTES, TAG_BYTES
from ...wire.packet import COOKIE_BYTES

EARLY_MESSAGE_BYTES_MAX = (
    RELAYED_PACKET_BYTES_MAX
    - INITIAL_HEAD.size
    - COOKIE_BYTES
    - KEY_BYTES
    - SEALED_KEY_BYTES
    - TAG_BYTES
    - PAYLOAD_BYTES_MAX
)
"""What a first packet has room for, in one that fits through a relay."""

Take = Callable[[Contact, bytes], bool]
"""Hand a message to the agent; false when it is to come over the session."""


def take_none(sender: Contact, message: bytes) -> bool:
    """Take no message from a first packet."""
    return False


class EarlyMessages:
    """Give each message on once."""

    def __init__(self, remembered_max: int) -> None:
        self._remembered_max = remembered_max
        self._taken: dict[bytes, None] = {}
        self.on_message: Take = take_none

    def take(self, sender: Contact, message: bytes) -> bool:
        """Give a message on, unless it was taken before; tells whether it was, now or then."""
        name = blake2b(message, key=sender.node_id, digest_size=16).digest()
        if name in self._taken:
            return True
        if not self.on_message(sender, message):
            return False
        self._taken[name] = None
        if len(self._taken) > self._remembered_max:
            del self._taken[next(iter(self._taken))]
        return True
