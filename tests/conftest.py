"""Settings of the whole test run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Generator

# No deadlines: a busy machine is not a wrong result.
settings.register_profile("default", deadline=None)
settings.load_profile("default")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, pytest.TestReport]:
    """Where everything a test may miss is installed, a skip is a failure."""
    report: pytest.TestReport = yield
    if report.skipped and os.environ.get("TINYGRAD_LIN_NO_SKIPS"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped: {report.longrepr}"
    return report
