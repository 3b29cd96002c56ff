"""Tests of the lab itself need what a lab needs."""

from __future__ import annotations

import pytest

from .lab import why_not


@pytest.fixture(autouse=True)
def _a_lab_can_be_built() -> None:
    reason = why_not()
    if reason:
        pytest.skip(reason)
