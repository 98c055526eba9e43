"""The numbers of many leaves at once."""

from __future__ import annotations

import numpy

from tinygrad_lin import Value
from tinygrad_lin._leaves import set_leaves, subtract_from_leaves


def test_leaves_are_set_to_floats_and_moved_by_their_changes() -> None:
    leaves = [Value(1.0, "w"), Value(2.0)]
    set_leaves(leaves, numpy.array([3.0, 4.0], dtype=numpy.float32))
    assert [leaf.data for leaf in leaves] == [3.0, 4.0]
    assert {type(leaf.data) for leaf in leaves} == {float}
    subtract_from_leaves(leaves, [0.5, -1.0])
    assert [leaf.data for leaf in leaves] == [2.5, 5.0]
    assert leaves[0].label == "w"


def test_graphs_recorded_before_keep_their_derivatives_when_leaves_move() -> None:
    w, x = Value(2.0), Value(3.0)
    product = w * x
    set_leaves([w], iter([10.0]))
    subtract_from_leaves(iter([x]), iter([1.0]))
    product.backward()
    assert (w.grad, x.grad, product.data) == (3.0, 2.0, 6.0)
    assert (w * x).data == 20.0
