"""All UDP of a node through an allocation on somebody's TURN server, for nodes that their own box lets down.

Peers see the node at the server's address, behind what looks like a box that maps all alike and lets in whom something
was sent to: they meet it directly, whatever is in front of it. Over TCP to the server this works where UDP is blocked.
What is sent while there is no allocation is lost, as it may be with UDP.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from random import Random

from ..nat.turn.account import TurnAccount
from ..nat.turn.client import TurnClient, TurnClientConfig
from ..wire.endpoint import Endpoint
from ..wire.errors import TurnRefused
from .turn_carriers import Carrier, open_carrier

logger = logging.getLogger(__name__)

ALLOCATION_S = 10.0
"""How long a server may take to answer; STUN's own tries over UDP would take 40 s (RFC 8489, section 6.2.1)."""

PAUSE_S, PAUSE_S_MAX = 1.0, 60.0
"""Between two tries to get an allocation back; doubles up to the second."""

PEERS_MAX = 1024
"""Hosts and channels that the server passes at once; a request each every four minutes while they are used."""

CHANNEL_AT = 16
"""A peer gets a channel with this packet: it saves 32 bytes of each from then on, and costs a request of about 100."""

COUNTED_MAX = 4096
"""Peers whose packets are counted, about 150 bytes each; who was silent longest goes."""

Told = Callable[[], None]


class TurnWay:
    """Send and receive datagrams as `DatagramSocket` does, from the server's address."""

    def __init__(
        self,
        account: TurnAccount,
        random: Random,
        on_datagram: Callable[[bytes, Endpoint], None],
        on_drained: Told,
        on_readable: Told,
        on_moved: Told,
    ) -> None:
        self._account = account
        self._random = random
        self._on_datagram = on_datagram
        self._told = (on_drained, on_readable)
        self._on_moved = on_moved
        self._loop = asyncio.get_running_loop()
        self._carrier: Carrier | None = None
        self._client: TurnClient | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._recovery: asyncio.Task[None] | None = None
        self._sent: OrderedDict[Endpoint, int] = OrderedDict()
        self.relayed: Endpoint | None = None
        """Where peers reach the node."""
        self.lost = 0

    async def open(self) -> None:
        """Get an allocation; raises TurnRefused."""
        try:
            async with asyncio.timeout(ALLOCATION_S):
                self._carrier = await open_carrier(
                    self._account, self._received, *self._told, self._carrier_lost
                )
                self.relayed = await self._allocate(self._carrier)
        except TimeoutError:
            raise TurnRefused(str(self._account), None, f"no answer in {ALLOCATION_S:.0f} s") from None
        except OSError as error:
            raise TurnRefused(str(self._account), None, error.strerror or str(error)) from error
        self._on_moved()

    def send(self, packet: bytes, destination: Endpoint) -> None:
        """Send one datagram, after a permission for its host if there is none yet."""
        client, carrier, now = self._client, self._carrier, time.monotonic()
        if self.relayed is None or client is None or carrier is None:
            self.lost += 1
            return
        if not client.passes(destination):
            client.permit(destination, now, _whatever)
        if self._count(destination) == CHANNEL_AT:
            client.bind(destination, now, _whatever)
        self._flush()
        # The server takes both in order; a permission that has to be asked for twice costs this packet only.
        carrier.send(client.send(packet, destination))

    async def close(self) -> None:
        """Give the allocation back and close; a second call does nothing."""
        client, self._client, recovery, self._recovery = self._client, None, self._recovery, None
        if recovery is not None:
            recovery.cancel()
            await asyncio.gather(recovery, return_exceptions=True)
        if self._timer is not None:
            self._timer.cancel()
        if client is not None and self._carrier is not None:
            client.close(time.monotonic(), _whatever)
            for packet in client.take_packets():
                self._carrier.send(packet)
        self._drop_carrier()

    async def _allocate(self, carrier: Carrier) -> Endpoint:
        answered: asyncio.Future[bool] = self._loop.create_future()

        def done(stands: bool, now: float) -> None:
            if not answered.done():
                answered.set_result(stands)

        client = self._client = TurnClient(
            carrier.server,
            self._account.credentials(time.time()),
            self._random,
            lambda payload, peer, now: self._on_datagram(payload, peer),
            TurnClientConfig(peers_max=PEERS_MAX),
        )
        self._sent.clear()
        client.allocate(time.monotonic(), done)
        self._flush()
        await answered
        if client.relayed is None:
            code, reason = client.error or (None, "no answer")
            raise TurnRefused(str(self._account), code, reason)
        return client.relayed

    def _received(self, data: bytes) -> None:
        """Take what came from the server."""
        client, carrier = self._client, self._carrier
        if client is None or carrier is None:
            return
        if not client.receive(data, carrier.server, time.monotonic()):
            self.lost += 1
        self._flush()

    def _flush(self) -> None:
        """Send what the client asks, look whether the allocation stands, and set the timer."""
        client, carrier = self._client, self._carrier
        if client is None or carrier is None:
            return
        for packet in client.take_packets():
            carrier.send(packet)
        if self.relayed is not None and client.relayed is None:
            self._lost("the server does not renew it")
            return
        due_at = client.next_timeout()
        if due_at is not None and (self._timer is None or self._timer.when() > self._loop_time(due_at)):
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(self._loop_time(due_at), self._timed_out)

    def _timed_out(self) -> None:
        self._timer = None
        if self._client is not None:
            self._client.handle_timeout(time.monotonic())
            self._flush()

    def _loop_time(self, when: float) -> float:
        return self._loop.time() + max(0.0, when - time.monotonic())

    def _count(self, destination: Endpoint) -> int:
        count = self._sent.pop(destination, 0) + 1
        if len(self._sent) >= COUNTED_MAX:
            self._sent.popitem(last=False)
        self._sent[destination] = count
        return count

    def _carrier_lost(self) -> None:
        if self.relayed is not None:
            self._lost("the connection ended")

    def _lost(self, reason: str) -> None:
        """Try to get another allocation, at another address then."""
        logger.warning("turn: lost the allocation on %s: %s", self._account, reason)
        self.relayed = None
        self._drop_carrier()
        self._on_moved()
        if self._recovery is None or self._recovery.done():
            self._recovery = self._loop.create_task(self._recover())

    async def _recover(self) -> None:
        pause_s = PAUSE_S
        while self.relayed is None:
            try:
                await self.open()
            except TurnRefused as error:
                logger.info("turn: %s", error)
                self._drop_carrier()
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, PAUSE_S_MAX)

    def _drop_carrier(self) -> None:
        carrier, self._carrier = self._carrier, None
        if carrier is not None:
            carrier.close()


def _whatever(stands: bool, now: float) -> None:
    """Not wait for an answer: what cannot pass is lost, and asked for again with the next packet."""
