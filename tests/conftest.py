"""Settings of the whole test run, and what many tests use."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from tinygrad_lin.ops import TABLE
from tinygrad_lin.registry import add_operation, remove_operation

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

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


@pytest.fixture
def own_operation() -> Iterator[Callable[..., Any]]:
    """Like add_operation, for the time of a test."""
    added = []

    def add(*args: Any, **options: Any) -> Any:
        function = add_operation(*args, **options)
        added.append(TABLE[args[0]])
        return function

    yield add
    for operation in added:
        remove_operation(operation)
