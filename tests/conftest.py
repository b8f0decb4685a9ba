"""Every test run draws the same examples, no test fails for its time, and none is left out unseen.

Where the environment variable CI is set, everything that a test may need is installed, and a skipped test has failed.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import TypeVar

import pytest
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

# Programs; some are imported by tests.
collect_ignore_glob = ["faults/*", "fuzz/*", "io/torch_*.py", "second_checker/*", "trained/*"]


Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return seen((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return seen((yield))


def seen(report: Report) -> Report:
    """The report, as a failure if it is of a skip where nothing may be skipped."""
    if report.skipped and os.environ.get("CI"):
        report.longrepr = f"skipped, where the variable CI is set: {report.longrepr}"
        report.outcome = "failed"
    return report
