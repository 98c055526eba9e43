"""The losses: by hand on the article's points, and against NumPy."""

from __future__ import annotations

import math
import re
from typing import Any

import mpmath
import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_lin import DataError, Linear, Value, binary_cross_entropy, half_mse, hinge, mse

W, B = 0.4967141530112327, -0.13826430117118466
X, Y = [2.0, 4.0], [19.0, 35.0]
PAIRS = st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=1, max_size=8)


def test_the_first_gradients_of_the_article_are_those_computed_by_hand() -> None:
    line = Linear()
    predictions = [line(x) for x in X]
    cost = half_mse(predictions, Y)
    cost.backward()
    errors = [W * x + B - y for x, y in zip(X, Y)]  # a - y
    assert cost.data == pytest.approx((errors[0] ** 2 + errors[1] ** 2) / 4, rel=1e-14)
    w, b = line.parameters()
    assert w.grad == pytest.approx((errors[0] * 2 + errors[1] * 4) / 2, rel=1e-14)
    assert b.grad == pytest.approx((errors[0] + errors[1]) / 2, rel=1e-14)
    assert [a.grad for a in predictions] == pytest.approx([e / 2 for e in errors], rel=1e-14)


def test_mse_of_whole_numbers_is_that_computed_by_hand() -> None:
    a = [Value(1.0), Value(4.0), Value(-2.0)]
    cost = mse(a, [3.0, 4.0, 1.0])  # errors 2, 0, 3
    assert cost.data == pytest.approx(13 / 3)
    assert half_mse(a, [3.0, 4.0, 1.0]).data == pytest.approx(13 / 6)
    cost.backward()
    assert [v.grad for v in a] == pytest.approx([-4 / 3, 0.0, -2.0])


def test_the_cost_has_the_name_it_has_in_the_article() -> None:
    assert mse([Value(1.0)], [2.0]).label == "MSE"
    cost = half_mse([Value(1.0)], [2.0])
    assert cost.label == "C"
    assert [node.label for node in cost.inputs] == ["MSE"]


def test_a_target_may_be_a_value_that_gets_a_gradient() -> None:
    a, y = Value(1.0), Value(4.0)
    half_mse([a], [y]).backward()
    assert (a.grad, y.grad) == (-3.0, 3.0)


@given(pairs=PAIRS)
def test_mse_and_half_mse_agree_with_numpy(pairs: list[tuple[float, float]]) -> None:
    given_a, given_y = numpy.array(pairs).T
    a = [Value(number) for number in given_a]
    y = [float(number) for number in given_y]
    mean = float(numpy.mean((given_y - given_a) ** 2))
    assert mse(a, y).data == pytest.approx(mean, rel=1e-12, abs=1e-300)
    cost = half_mse(a, y)
    assert cost.data == pytest.approx(mean / 2, rel=1e-12, abs=1e-300)
    cost.backward()
    wanted = (given_a - given_y) / len(y)
    assert [v.grad for v in a] == pytest.approx(list(wanted), rel=1e-12, abs=1e-300)


# Classes


def test_cross_entropy_is_that_computed_by_hand() -> None:
    z = [Value(0.0), Value(math.log(3)), Value(math.log(3))]  # sigmoids 1/2, 3/4, 3/4
    cost = binary_cross_entropy(z, [0, 1, 0])
    assert cost.data == pytest.approx((math.log(2) + math.log(4 / 3) + math.log(4)) / 3)
    cost.backward()
    assert [v.grad for v in z] == pytest.approx([(1 / 2) / 3, (3 / 4 - 1) / 3, (3 / 4) / 3])


@given(z=st.floats(-700, 700), y=st.sampled_from([0, 1]))
def test_cross_entropy_has_all_its_digits_however_sure_the_net_is(z: float, y: int) -> None:
    logit = Value(z)
    cost = binary_cross_entropy([logit], [y])
    cost.backward()
    with mpmath.workdps(400):
        p = 1 / (1 + mpmath.exp(-mpmath.mpf(z)))
        wanted, gradient = -mpmath.log(p if y else 1 - p), p - y
    assert cost.data == pytest.approx(float(wanted), rel=1e-14)
    assert logit.grad == pytest.approx(float(gradient), rel=1e-14)


@pytest.mark.parametrize(("z", "y"), [(1e308, 1), (-1e308, 0)])
def test_cross_entropy_does_not_overflow(z: float, y: int) -> None:
    assert binary_cross_entropy([Value(z)], [y]).data == 0.0
    assert binary_cross_entropy([Value(z)], [1 - y]).data == 1e308


def test_hinge_is_that_computed_by_hand() -> None:
    z = [Value(0.5), Value(0.5), Value(-3.0), Value(2.0)]
    cost = hinge(z, [1, -1, -1, -1])  # 0.5, 1.5, 0, 3
    assert cost.data == 5.0 / 4
    cost.backward()
    assert [v.grad for v in z] == [-0.25, 0.25, 0.0, 0.25]


@pytest.mark.parametrize(
    ("loss", "bad", "said"),
    [
        (binary_cross_entropy, 0.5, r"targets\[1\] must be 0 or 1, not 0.5"),
        (binary_cross_entropy, -1, r"targets\[1\] must be 0 or 1, not -1"),
        (binary_cross_entropy, Value(0.5), r"targets\[1\] must be 0 or 1, not Value"),
        (binary_cross_entropy, "1", r"targets\[1\] must be 0 or 1"),
        (hinge, 0, r"targets\[1\] must be -1 or 1, not 0"),
        (hinge, math.nan, r"targets\[1\] must be -1 or 1, not nan"),
    ],
)
def test_a_target_that_is_no_class_is_refused_with_its_place(
    loss: Any, bad: Any, said: str
) -> None:
    with pytest.raises(DataError, match=said):
        loss([Value(1.0), Value(2.0)], [1, bad])


@pytest.mark.parametrize(
    ("loss", "name"), [(binary_cross_entropy, "cross-entropy"), (hinge, "hinge")]
)
def test_the_results_of_losses_have_labels(loss: Any, name: str) -> None:
    assert loss([Value(1.0)], numpy.array([1.0])).label == name


@pytest.mark.parametrize("loss", [mse, half_mse, binary_cross_entropy, hinge])
@pytest.mark.parametrize("targets", [[], [1.0], [1.0, 2.0, 3.0]])
def test_there_must_be_as_many_predictions_as_targets(loss: Any, targets: list[float]) -> None:
    with pytest.raises(DataError, match=f"2 predictions do not match {len(targets)} targets"):
        loss([Value(1.0), Value(2.0)], targets)


@pytest.mark.parametrize("loss", [mse, half_mse, binary_cross_entropy, hinge])
def test_the_mean_of_nothing_is_refused(loss: Any) -> None:
    with pytest.raises(DataError, match="at least one point"):
        loss([], [])


@pytest.mark.parametrize("loss", [mse, half_mse, binary_cross_entropy, hinge])
@pytest.mark.parametrize(
    ("predictions", "targets", "said"),
    [
        (Value(1.0), [1.0], "predictions is a sequence: give [x]"),
        ([Value(1.0)], 1.0, "targets is a sequence: give [x]"),
        ([[Value(1.0)]], [1.0], "predictions[0] must be one number"),
        ([Value(1.0)], numpy.ones((1, 1)), "targets[0] must be one number"),
    ],
)
def test_predictions_that_are_no_sequence_of_numbers_are_refused(
    loss: Any, predictions: Any, targets: Any, said: str
) -> None:
    with pytest.raises(DataError, match=re.escape(said)):
        loss(predictions, targets)
