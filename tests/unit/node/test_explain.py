"""Puts, gets and finds that tell how they came about."""

from __future__ import annotations

from node_world import Nodes


async def test_explain_tells_who_was_asked_and_what_they_said(nodes: Nodes) -> None:
    server = await nodes.start("server", capabilities=["shorten.text"])
    asker = await nodes.start("asker")
    await asker.resolve("server")
    put = await asker.explain_put("k", "v")
    assert server.node_id.text in put.result
    [hop] = put.hops
    assert (hop.node_id, hop.named_by, hop.outcome) == (server.node_id.text, None, "answered")
    assert 0 < hop.distance_bits <= 256
    assert hop.rtt_ms is not None
    assert 0 <= hop.asked_ms <= put.elapsed_ms
    got = await server.explain_get("k")
    assert (got.result, got.source) == ("v", None)
    nothing = await asker.explain_get("never put")
    assert (nothing.result, [hop.remark for hop in nothing.hops]) == (None, [""])
    found = await asker.explain_find("shorten.text")
    assert [agent["name"] for agent in found.result] == ["server"]
