"""Values in the DHT as a program puts and gets them."""

from __future__ import annotations

from contextlib import suppress

import pytest
from node_world import Nodes

from mesh99.dht import DhtConfig
from mesh99.node import NodeConfig
from mesh99.node.overlay.config import OverlayConfig
from mesh99.wire.errors import NotStored


async def test_a_put_that_nobody_takes_tells_why(nodes: Nodes) -> None:
    config = NodeConfig(overlay=OverlayConfig(dht=DhtConfig(records_per_owner_max=1)))
    await nodes.start("server", config=config)
    asker = await nodes.start("asker", config=config)
    with suppress(NotStored):  # its own record may be there first
        await asker.put("name", "whatever takes the only place")
    with pytest.raises(NotStored) as raised:
        await asker.put("motto", "direct lines")
    assert raised.value.refused == {"owner quota": 2}
    assert str(raised.value) == "nobody stores motto: owner quota (2)"
