"""Errors: what each of them also is, what they carry, and what of them reaches a terminal."""

from __future__ import annotations

import builtins
import copy
import pickle
import re
from typing import Any

import pytest

from tinygrad_lin import (
    DataError,
    DivergedError,
    DomainError,
    ExpressionError,
    GradientMismatch,
    OperandError,
    TinygradError,
    errors,
)
from tinygrad_lin.errors import printable, short_repr

ONE_OF_EACH = [
    TinygradError("root"),
    OperandError("not a number"),
    DomainError("the log of 0"),
    DataError("no data"),
    ExpressionError("no expression\n  x +\n     ^"),
    DivergedError("ran away", step=7, learning_rate=0.5, limit=0.25),
    DivergedError("ran away", step=0, learning_rate=1.0),
    GradientMismatch("wrong", report=["one", "finding"]),
]

each_error = pytest.mark.parametrize("error", ONE_OF_EACH, ids=lambda error: type(error).__name__)


def test_the_tree_of_errors_is_the_one_that_the_module_shows() -> None:
    assert errors.__doc__ is not None
    shown = dict(re.findall(r"^ +(\w+) +\((\w+)\)", errors.__doc__, re.MULTILINE))
    classes = {kind.__name__: kind for kind in TinygradError.__subclasses__()}
    assert set(shown) == {name for name in classes if hasattr(errors, name)}
    for name, builtin in shown.items():
        assert classes[name].__bases__ == (TinygradError, getattr(builtins, builtin))


@each_error
def test_an_error_is_caught_as_the_root_of_all_and_as_the_built_in_one(
    error: TinygradError,
) -> None:
    for kind in type(error).__mro__[:-1]:
        with pytest.raises(kind) as caught:
            raise error
        assert caught.value is error


@each_error
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_an_error_comes_out_of_a_pickle_as_it_went_in(error: TinygradError, protocol: int) -> None:
    again = pickle.loads(pickle.dumps(error, protocol))
    assert type(again) is type(error)
    assert (str(again), again.args, vars(again)) == (str(error), error.args, vars(error))


@each_error
def test_an_error_can_be_copied(error: TinygradError) -> None:
    for again in (copy.copy(error), copy.deepcopy(error)):
        assert type(again) is type(error)
        assert (str(again), vars(again)) == (str(error), vars(error))


def test_what_an_error_was_given_later_is_pickled_with_it() -> None:
    error = DomainError("the log of 0")
    error.add_note("in the first layer")
    assert pickle.loads(pickle.dumps(error)).__notes__ == ["in the first layer"]


def test_diverging_says_where_and_a_mismatch_has_its_report() -> None:
    diverged = DivergedError("ran away", step=7, learning_rate=0.5)
    assert (diverged.step, diverged.learning_rate, diverged.limit) == (7, 0.5, None)
    assert GradientMismatch("wrong", report="findings").report == "findings"
    with pytest.raises(TypeError):
        DivergedError("ran away")  # type: ignore[call-arg]


def test_control_codes_in_a_message_reach_no_terminal() -> None:
    error = DataError("red \x1b[31m, back \r, left \u202e, next\nline")
    assert str(error) == "red  [31m, back  , left  , next\nline"
    assert error.args == ("red \x1b[31m, back \r, left \u202e, next\nline",)
    assert printable("größe\t\x00日本\n") == "größe  日本 "


def test_the_repr_of_an_object_in_a_message_is_short_and_always_there() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError

    assert short_repr([1, 2]) == "[1, 2]"
    assert short_repr("x" * 100) == "'" + "x" * 59
    objects: list[Any] = [10**5000, Broken(), [Broken()]]
    for given in objects:
        assert re.fullmatch(r"<.*(int|Broken|list) object at 0x\w+>", short_repr(given))
