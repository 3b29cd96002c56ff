"""Who is nearest, against looking at everybody."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mesh99.simulations.population.nearest import NearestIndex
from mesh99.wire.identity import NodeId

# Ids that share long prefixes are the hard case, and random ones never do.
IDS = st.one_of(
    st.binary(min_size=32, max_size=32),
    st.integers(0, 40).map(lambda number: number.to_bytes(32, "big")),
    st.integers(0, 40).map(lambda number: bytes([255] * 31 + [number])),
)


def _nearest(ids: list[bytes], target: bytes, count: int, exclude: bytes | None) -> list[bytes]:
    others = [each for each in dict.fromkeys(ids) if each != exclude]
    return sorted(others, key=NodeId(target).distance)[:count]


@given(st.lists(IDS, max_size=60), IDS, st.integers(1, 25), st.booleans())
def test_it_is_what_looking_at_everybody_gives(
    ids: list[bytes], target: bytes, count: int, without_first: bool
) -> None:
    index = NearestIndex()
    for each in ids:
        index.add(each)
    exclude = ids[0] if ids and without_first else None
    assert index.nearest(target, count, exclude) == _nearest(ids, target, count, exclude)


@given(st.lists(IDS, max_size=40), st.lists(IDS, max_size=40), IDS)
def test_who_left_is_not_found(ids: list[bytes], leaving: list[bytes], target: bytes) -> None:
    index = NearestIndex()
    for each in ids:
        index.add(each)
    for each in [*leaving, *ids[::2]]:
        index.discard(each)
        assert each not in index
    left = [each for each in ids if each not in leaving and each not in ids[::2]]
    assert len(index) == len(dict.fromkeys(left))
    assert index.nearest(target, 3) == _nearest(left, target, 3, None)
