"""A small world on the virtual loop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from agents_world import AgentsWorld


@pytest.fixture
def agents() -> Iterator[AgentsWorld]:
    world = AgentsWorld()
    yield world
    world.close()
