"""Shapes and axes."""

from __future__ import annotations

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

from tinygrad_lin.compiler.shapes import Axes, broadcast, is_matrix, shape_text


@given(st.data())
def test_shapes_broadcast_as_those_of_numpy_do(data: st.DataObject) -> None:
    found = data.draw(mutually_broadcastable_shapes(num_shapes=2, min_side=1))
    assert broadcast(*found.input_shapes) == numpy.broadcast_shapes(*found.input_shapes)


def test_the_number_of_rows_broadcasts_like_any_length() -> None:
    assert broadcast(("n", 1), (3,)) == ("n", 3)
    assert broadcast((), ("n",), (1,)) == ("n",)


@pytest.mark.parametrize(("shape", "matrix"), [(("n", 3), True), ((3, 3), False), (("n",), False)])
def test_a_matrix_has_the_batch_and_lanes(shape: tuple[int | str, ...], matrix: bool) -> None:
    assert is_matrix(shape) == matrix


def test_a_shape_is_written_as_a_tuple() -> None:
    assert eval(shape_text((2, "n")), {"n": 7}) == (2, 7)
    assert eval(shape_text((2,))) == (2,)


def test_an_operation_on_two_arrays_has_the_axes_of_both() -> None:
    assert Axes(True, False) | Axes(False, True) == Axes(True, True)
    assert Axes(False, False) | Axes(False, True) == Axes(False, True)
