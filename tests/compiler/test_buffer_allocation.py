"""Buffers and who shares them."""

from __future__ import annotations

import numpy
import pytest

from tinygrad_lin.compiler.buffer_allocation import CACHE_LINE, BufferAllocator, aligned_array, ones


def test_a_buffer_is_lent_when_its_content_is_no_longer_needed() -> None:
    buffers = BufferAllocator(set())
    for name in "abc":
        buffers.array(name, ("n",))
    lines = ["_exp(x, out=a)", "_dot(a, a, b)", "_dot(b, b, c)", "value = c.sum()"]
    assert buffers.share_memory(lines) == {"a": "a", "b": "b", "c": "a"}


def test_an_elementwise_call_may_write_over_its_operand() -> None:
    buffers = BufferAllocator(set())
    for name in "ab":
        buffers.array(name, ("n",))
    lines = ["_exp(x, out=a)", "_negative(a, out=b)", "value = b.sum()"]
    assert buffers.share_memory(lines) == {"a": "a", "b": "a"}
    buffers.reserve(["a"])
    assert buffers.share_memory(lines) == {"a": "a", "b": "b"}


def test_a_buffer_of_another_shape_or_kind_is_not_taken() -> None:
    buffers = BufferAllocator(set())
    buffers.array("a", ("n",))
    buffers.array("b", (3,))
    buffers.array("c", ("n",), "bool")
    lines = ["_exp(x, out=a)", "_dot(a, y, b)", "_less(x, x, out=c)", "value = b.sum()"]
    assert buffers.share_memory(lines) == {"a": "a", "b": "b", "c": "c"}


def test_a_matrix_lies_column_by_column_and_may_have_ones_behind_it() -> None:
    buffers = BufferAllocator({"h"})
    matrix = buffers.array("h", ("n", 3))
    assert matrix.shape == ("n", 3)
    assert buffers.arrays[buffers.matrices["h"]] == ((4, "n"), "ones")
    assert buffers.transposed(matrix).shape == (3, "n")


def test_a_view_is_made_once() -> None:
    buffers = BufferAllocator(set())
    base = buffers.array("a", (4,))
    one, other = (buffers.view("a[1:3]", base, (2,)) for _ in range(2))
    assert one == other
    assert buffers.setup_lines({"a": "a"}) == ["a = _float((4,))", f"{one.text} = a[1:3]"]


@pytest.mark.parametrize("kind", [float, bool])
def test_arrays_begin_with_a_line_of_the_cache(kind: type) -> None:
    for size in range(1, 40):
        array = aligned_array((size, 3), kind)
        assert array.shape == (size, 3)
        assert array.dtype == numpy.dtype(kind)
        assert array.ctypes.data % CACHE_LINE == 0
    assert ones((5,)).tolist() == [1.0] * 5
