"""Publications of a node of both address families: in the queue of each, settled by both."""

from __future__ import annotations

from typing import Any

from mesh99.dht.put import PutResult
from mesh99.dht.region_pair import QueuePair, queue_for
from mesh99.dht.region_store import Errand
from mesh99.wire.identity import Identity
from mesh99.wire.record import Record, value_key

OWNER = Identity(b"\x01" * 32)
RECORD = Record.create(OWNER, value_key("colour"), b"blue", sequence=1, ttl_s=60)


class Queue:
    """Keeps what it gets."""

    def __init__(self) -> None:
        self.added: list[tuple[Any, Errand]] = []
        self.removed: list[Any] = []

    def add(self, publication: Any, errand: Errand, now: float) -> None:
        self.added.append((publication, errand))

    def remove(self, publication: Any, key: int) -> None:
        self.removed.append(publication)


class Publication:
    """Renewed by nobody."""

    def soon_due(self, now: float) -> bool:
        return True

    def errand(self, now: float) -> Errand:
        raise AssertionError("not asked for")


def _pair() -> tuple[Any, Queue, Queue]:
    first, second = Queue(), Queue()
    pair: Any = QueuePair([first, second])  # type: ignore[list-item]
    return pair, first, second


def test_one_queue_needs_no_pair() -> None:
    queue: Any = Queue()
    assert queue_for([queue]) is queue


def test_a_record_is_settled_when_both_families_are_done() -> None:
    pair, first, second = _pair()
    settled: list[PutResult] = []
    pair.add(Publication(), Errand(RECORD, lambda record, result, now: settled.append(result)), 0.0)
    holders = [Identity(bytes((seed,)) * 32).node_id for seed in (2, 3)]
    first.added[0][1].ended(PutResult(holders[:1], 0, []), 1.0)
    assert settled == []
    second.added[0][1].ended(PutResult(holders, 4, []), 2.0)
    assert settled == [PutResult(holders, 4, [])]


def test_a_publication_is_the_same_in_its_queue_each_time_and_leaves_both() -> None:
    pair, first, second = _pair()
    publication = Publication()
    for _ in range(2):
        pair.add(publication, Errand(RECORD, lambda record, result, now: None), 0.0)
    (half, _), (again, _) = first.added
    assert half is again
    assert not half.soon_due(0.0)
    pair.remove(publication, 0)
    assert first.removed == [half]
    assert second.removed == [second.added[0][0]]
