"""Graphs of live objects come back as they were: slots, closures, circles, long chains, shared parts."""

from __future__ import annotations

import gc
import io
import sys
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from mesh99.simulations.checkpoint import object_graph
from mesh99.simulations.checkpoint.kept_ciphers import KeptCiphers
from mesh99.wire.crypto import AES, CHACHA, REAL, InvalidTag
from mesh99.wire.errors import ConfigError


class Pair:
    __slots__ = ("left", "right")

    def __init__(self, left: Any, right: Any) -> None:
        self.left = left
        self.right = right


class Single:
    __slots__ = ("_only",)

    def __init__(self, only: Any) -> None:
        self._only = only

    @property
    def only(self) -> Any:
        return self._only


class Longer(Pair):
    __slots__ = ("more",)


class Open(Pair):
    """Has a dict besides the slots of its base."""


class Careful(Pair):
    """Says itself what is written of it."""

    def __getstate__(self) -> dict[str, Any]:
        return {"left": self.left}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.left = state["left"]
        self.right = "made again"


def _round(root: Any) -> Any:
    file = io.BytesIO()
    object_graph.dump(root, file)
    file.seek(0)
    return object_graph.load(file)


def test_slots_come_back() -> None:
    again = _round(Pair(1, Single("x")))
    assert (again.left, again.right.only) == (1, "x")


def test_slots_of_a_base_class_and_slots_without_a_value_come_back() -> None:
    longer = Longer(1, 2)
    assert not hasattr(_round(longer), "more")
    longer.more = 3
    again = _round(longer)
    assert (again.left, again.right, again.more) == (1, 2, 3)


def test_attributes_besides_the_slots_and_own_ways_of_pickling_are_kept() -> None:
    both = Open(1, 2)
    both.more = 3  # type: ignore[attr-defined]
    again = _round([both, Careful(1, 2)])
    assert (again[0].left, again[0].right, again[0].more) == (1, 2, 3)
    assert (again[1].left, again[1].right) == (1, "made again")


def test_circles_and_shared_parts_come_back_as_such() -> None:
    shared = [1]
    pair = Pair(shared, shared)
    circle = Pair(pair, None)
    circle.right = circle
    again = _round(circle)
    assert again.right is again
    assert again.left.left is again.left.right


def test_functions_inside_functions_keep_what_they_hold() -> None:
    def counter(box: list[int]) -> Callable[[], int]:
        def count() -> int:
            box[0] += 1
            return box[0]

        return count

    box = [4]
    again_box, again_count = _round((box, counter(box)))
    assert again_count() == 5
    assert again_box == [5]
    assert box == [4]


def test_random_numbers_go_on() -> None:
    random = Random(1)
    again = _round(random)
    assert [again.random() for _ in range(5)] == [random.random() for _ in range(5)]


def test_a_chain_longer_than_pythons_recursion_limit_comes_back() -> None:
    before = sys.getrecursionlimit()
    chain = Pair(None, 0)
    for number in range(1, 20_000):
        chain = Pair(chain, number)
    again = _round(chain)
    numbers = []
    while again is not None:
        numbers.append(again.right)
        again = again.left
    assert numbers == list(range(19_999, -1, -1))
    assert sys.getrecursionlimit() == before
    assert gc.isenabled()


def test_an_error_is_raised_where_it_was_asked_for() -> None:
    with pytest.raises(TypeError, match="cannot pickle"):
        object_graph.dump((number for number in [1]), io.BytesIO())
    assert gc.isenabled()


def test_without_cloudpickle_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    with pytest.raises(ConfigError) as caught:
        object_graph.dump(1, io.BytesIO())
    assert caught.value.hint == "pip install 'mesh99[sim]'"


@pytest.mark.parametrize("cipher", [AES, CHACHA])
def test_real_ciphers_come_back_with_their_keys(cipher: str) -> None:
    key, nonce = bytes(range(32)), bytes(12)
    kept = _round(KeptCiphers().aead(cipher, key))
    sealed = REAL.aead(cipher, key).encrypt(nonce, b"text", b"header")
    assert kept.encrypt(nonce, b"text", b"header") == sealed
    assert kept.decrypt(nonce, sealed, b"header") == b"text"
    with pytest.raises(InvalidTag):
        kept.decrypt(nonce, sealed, b"another")
