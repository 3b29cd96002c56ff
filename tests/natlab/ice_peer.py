"""A peer that connects by aioice; run as `python ice_peer.py SETTINGS`, see `peer.py` and `ice.py`."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import aioice

GREETING = b"the first byte"


async def main(settings: dict[str, Any]) -> None:
    """Wait for the word, then connect."""
    reader, writer = await asyncio.open_connection(*settings["signalling"])
    print(json.dumps({"ready": settings["role"]}), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    print(json.dumps({"set": True}), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    connection = _connection(settings)
    await connection.gather_candidates()
    offer = {
        "user": (connection.local_username, connection.local_password),
        "candidates": [candidate.to_sdp() for candidate in connection.local_candidates],
    }
    writer.write(json.dumps(offer).encode() + b"\n")
    answer = json.loads(await reader.readline())
    connection.remote_username, connection.remote_password = answer["user"]
    for candidate in answer["candidates"]:
        await connection.add_remote_candidate(aioice.Candidate.from_sdp(candidate))
    await connection.add_remote_candidate(None)
    try:
        await connection.connect()
    except ConnectionError:
        print(json.dumps({"path": "none", "first_s": None, "final_s": None}), flush=True)
        return
    await connection.send(GREETING)
    await connection.recv()
    now = time.monotonic()
    print(json.dumps({"path": _path(connection), "first_s": now, "final_s": now}), flush=True)
    # The other side may not have heard yet.
    await asyncio.to_thread(sys.stdin.readline)


def _connection(settings: dict[str, Any]) -> aioice.Connection:
    server, turn = tuple(settings["server"]), settings["turn"]
    user, password = settings["user"] if turn else (None, None)
    return aioice.Connection(
        ice_controlling=settings["role"] == "caller",
        stun_server=server,
        turn_server=server if turn else None,
        turn_username=user,
        turn_password=password,
        turn_transport=turn or "udp",
        use_ipv6=False,
    )


def _path(connection: aioice.Connection) -> str:
    """Tell whether the selected pair goes through the TURN server."""
    pair = connection._nominated[1]
    return "relay" if "relay" in (pair.local_candidate.type, pair.remote_candidate.type) else "direct"


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
