"""One line, one test: the gradient is right everywhere, or the simplest point where it is not."""

from __future__ import annotations

import inspect
import math
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tinygrad_lin import (
    TABLE,
    DataError,
    GradientMismatch,
    add_operation,
    check_everywhere,
    log,
    relu,
    sqrt,
    tanh,
)
from tinygrad_lin.operation import Operation
from tinygrad_lin.ops import FUNCTIONS
from tinygrad_lin.registry import remove_operation

if TYPE_CHECKING:
    from pathlib import Path

SCALAR_OPERATIONS = [operation for operation in TABLE.values() if not operation.variadic]


@pytest.mark.parametrize("operation", SCALAR_OPERATIONS, ids=lambda operation: operation.name)
def test_every_operation_is_right_everywhere(operation: Operation) -> None:
    check_everywhere(FUNCTIONS[operation.name])()


@check_everywhere
def test_check_everywhere_is_a_decorator(w: Any, x: Any) -> Any:
    return relu(w * x - 1.0) + tanh(w)


@check_everywhere(within={"x": (1.0, 5.0)}, order=2, max_examples=20)
def test_check_everywhere_is_a_decorator_with_options(x: Any) -> Any:
    return log(x) * sqrt(x)


test_check_everywhere_gives_a_test_that_can_be_named = check_everywhere(math.sin, gradient=math.cos)


def test_check_everywhere_makes_a_test_without_arguments() -> None:
    assert not inspect.signature(test_check_everywhere_is_a_decorator).parameters
    assert test_check_everywhere_is_a_decorator.__name__ == "test_check_everywhere_is_a_decorator"


def test_a_wrong_gradient_is_found_and_shrunk() -> None:
    wrong = check_everywhere(lambda x: x**3, gradient=lambda x: 3 * x * x if x < 5 else 0.0)
    with pytest.raises(GradientMismatch) as caught:
        wrong()
    (entry,) = caught.value.report.rows
    assert (entry.label, entry.at, entry.analytic) == ("x", 5.0, 0.0)
    assert entry.numeric == pytest.approx(75.0, rel=1e-9)
    assert any("[5.0]" in note for note in caught.value.__notes__)


def test_a_wrong_operation_of_the_users_own_is_found() -> None:
    cube = add_operation("cube", "x * x * x", ("3.0 * x",))
    try:
        with pytest.raises(GradientMismatch):
            check_everywhere(cube)()
    finally:
        remove_operation(TABLE["cube"])


def test_outside_the_domain_there_is_nothing_to_check() -> None:
    check_everywhere(lambda x: log(x) + x**0.5)()
    check_everywhere(lambda x, y: x**y)()


def test_a_function_without_a_domain_does_not_pass_silently() -> None:
    with pytest.raises(Exception, match="Unable to satisfy assumptions"):
        check_everywhere(lambda x: log(-x * x - 1.0))()


def test_check_everywhere_refuses_bad_arguments_with_a_clear_message() -> None:
    with pytest.raises(DataError, match="no parameters"):
        check_everywhere(lambda: 1.0)
    with pytest.raises(DataError, match="no parameter 'z'; there are x"):
        check_everywhere(lambda x: x, within={"z": (0.0, 1.0)})
    with pytest.raises(DataError, match="takes sequences"):
        check_everywhere(FUNCTIONS["dot"])


def test_pytest_runs_the_test_in_a_users_file(tmp_path: Path) -> None:
    """One line in a user's file, a right one and a wrong one."""
    (tmp_path / "test_mine.py").write_text(
        "from tinygrad_lin import check_everywhere, exp\n"
        "test_right = check_everywhere(exp)\n"
        "test_wrong = check_everywhere(lambda x: x * x, gradient=lambda x: x)\n"
    )
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert "1 failed, 1 passed" in result.stdout
    assert "the gradient is wrong" in result.stdout
