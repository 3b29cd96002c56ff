"""Tests that build a lab need what a lab needs."""

from __future__ import annotations

import pytest

from .lab import why_not


@pytest.fixture(autouse=True)
def _a_lab_can_be_built(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("network_namespaces"):
        reason = why_not()
        if reason:
            pytest.skip(reason)
