"""Nodes for a test, stopped when it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from node_world import Nodes


@pytest_asyncio.fixture
async def nodes() -> AsyncIterator[Nodes]:
    """Give a test its nodes; whatever the loop has to complain of fails it."""
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
    found = Nodes()
    yield found
    await found.stop()
    assert complaints == []
