"""Every line reads back equal, and a line that makes no sense is refused."""

from __future__ import annotations

import msgspec
import pytest

from mesh99.node.overlay.config import OverlayConfig
from mesh99.simulations.processes import orders
from mesh99.simulations.processes.orders import Peer, encode

PEER = Peer(index=1, key="00" * 32, port=7400)


@pytest.mark.parametrize(
    "order",
    [
        orders.Setup(
            seed=1,
            crypto="real",
            latency={"model": "fixed", "one_way": 0.1},
            loss=0.1,
            config=OverlayConfig(dial_retries_s=(1.0, 2.0), allow_tcp=False),
        ),
        orders.Start(number=1, index=3),
        orders.Know(peers=[PEER]),
        orders.Join(number=2, index=3, introducers=[PEER], retry_s=5.0),
        orders.LookUp(number=4, index=3, target="ff" * 32, count=3),
        orders.Report(number=5),
    ],
)
def test_orders_read_back_equal(order: orders.ToChild) -> None:
    line = encode(order)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert orders.to_child(line) == order


@pytest.mark.parametrize(
    "answer",
    [
        orders.Started(number=1, peer=PEER),
        orders.Joined(number=2, took_s=0.5),
        orders.LookedUp(number=4, took_s=0.1, nearest=["00" * 32], depth=2, asked=7),
        orders.Counts(number=5, requests={"FindNode": 3}, packets=6, bytes=600),
    ],
)
def test_answers_read_back_equal(answer: orders.ToParent) -> None:
    assert orders.to_parent(encode(answer)) == answer


def test_an_answer_is_no_order() -> None:
    with pytest.raises(msgspec.ValidationError):
        orders.to_child(encode(orders.Joined(took_s=0.5)))
