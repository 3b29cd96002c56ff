"""Liar: names nodes that do not exist, each time some that seem nearer, and answers other questions than were asked.

The invented ones have proper keys, so only a call shows that nobody is there; it costs who believes them a time-out
each. Their addresses are nowhere, or those of somebody who has nothing to do with it and gets the packets.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from ...dht.messages import FindNode, FindValue, Nodes, Pong, Request, Values, encode_reply, encode_within
from ...dht.server import Answers
from ...wire.contact import Contact
from ...wire.crypto import REAL
from ...wire.endpoint import Endpoint
from ...wire.identity import PublicKey
from ..host import Host
from .addresses import nowhere
from .adversary import Adversary
from .colluders import Colluders
from .grinding import SEED_BYTES
from .hostile_server import TOKEN, HostileServer

INVENTED = 512
"""Nodes that a group invents; shared by all of it, so that one confirms what another says."""

NAMED_AT_ONCE = 8
"""Contacts of an answer: the next answer has those that are nearer."""

WRONG_EVERY = 5
"""One answer of so many is to another question."""


class LiarServer(HostileServer):
    """Name the invented, ever nearer ones."""

    def __init__(self, honest: Answers, invented: Colluders) -> None:
        super().__init__(honest)
        self._invented = invented

    def forge(
        self, request_id: int, request: Request, sender: Contact, now: float, size_max: int
    ) -> bytes | None:
        """Answer FIND_NODE and FIND_VALUE with inventions, or with something that does not belong there."""
        if not isinstance(request, FindNode | FindValue):
            return None
        if self.lies % WRONG_EVERY == WRONG_EVERY - 1:
            return self._wrong(request_id, request)
        target = request.target if isinstance(request, FindNode) else request.key
        contacts = self._nearer(target)
        reply = Nodes(TOKEN, contacts) if isinstance(request, FindNode) else Values(TOKEN, 0, [], contacts)
        return encode_within(request_id, reply, size_max)

    def _nearer(self, target: bytes) -> Sequence[Contact]:
        """Return a handful, and next time a nearer one."""
        nearest = self._invented.nearest(target, 8 * NAMED_AT_ONCE)
        steps = max(1, len(nearest) // NAMED_AT_ONCE)
        step = self.asked % steps
        return nearest[len(nearest) - (step + 1) * NAMED_AT_ONCE :][:NAMED_AT_ONCE]

    def _wrong(self, request_id: int, request: FindNode | FindValue) -> bytes:
        """Return a reply of another kind, or to a request that was never made."""
        if self.asked % 2:
            return encode_reply(request_id, Pong())
        return encode_reply(request_id + 1 & 0xFFFFFFFF, Nodes(TOKEN, []))


class Liar(Adversary):
    """Nodes that invent others."""

    def prepare(self) -> None:
        """Invent nodes: half of them nowhere, half at the address of a bystander."""
        bystander = self.choose_victim()
        self.invented = Colluders()
        for number in range(INVENTED):
            endpoint = bystander.endpoint if number % 2 else nowhere(number)
            self.invented.add(invent(self.random, endpoint))

    def equip(self, host: Host) -> None:
        """Name the invented."""
        host.overlay.dht.server = LiarServer(host.overlay.dht.server, self.invented)


def invent(random: Random, endpoint: Endpoint) -> Contact:
    """Return a contact of a node that nobody runs."""
    return Contact(PublicKey(REAL.signing_public(random.randbytes(SEED_BYTES))), endpoint)
