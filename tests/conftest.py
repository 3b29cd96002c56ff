"""Rules that hold for every test: no settings from outside, repeatable examples, no hidden skips.

`MESH99_TEST_ALL=1` makes a skip a failure: a machine that claims to have all parts must run all tests.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings

NO_SKIPS = os.environ.get("MESH99_TEST_ALL") == "1"

# The shell that runs the tests must not change what they see.
for name in ("AGENT99_REGISTRY_URL", "MESH99_HOME", "NO_COLOR", "FORCE_COLOR"):
    os.environ.pop(name, None)

# Shared machines stall for seconds, so no example has a time limit; the suite's time-out catches a hang.
settings.register_profile(
    "mesh99", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("search", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "mesh99"))

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Judge the skip of a test."""
    return _no_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Judge the skip of a whole file."""
    return _no_skip((yield))


def _no_skip(report: Report) -> Report:
    if NO_SKIPS and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"MESH99_TEST_ALL=1 forbids a skip: {reason}"
    return report
