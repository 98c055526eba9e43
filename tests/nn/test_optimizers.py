"""The optimizers: single steps by hand, and what they refuse."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_lin import (
    SGD,
    Adam,
    DataError,
    DomainError,
    Linear,
    Momentum,
    Newton,
    OperandError,
    Optimizer,
    Value,
    fit,
    half_mse,
    learning_rate_limit,
    mse,
    nn,
    sin,
    total,
)
from tinygrad_lin.check.strategies import TrainingSet, training_sets
from tinygrad_lin.nn import optimizers
from tinygrad_lin.nn.optimizers import OPTIMIZERS

X, Y = [2.0, 4.0], [19.0, 35.0]


def test_a_step_of_sgd_is_that_computed_by_hand() -> None:
    w, b = Value(2.0), Value(-1.0)
    w.grad, b.grad = 4.0, -8.0
    SGD([w, b], lr=0.25).step()
    assert (w.data, b.data) == (1.0, 1.0)


def test_a_step_leaves_gradients_and_other_values_alone() -> None:
    w, other = Value(2.0), Value(5.0)
    w.grad = other.grad = 1.0
    optimizer = SGD(iter([w]), lr=0.5)
    optimizer.step()
    optimizer.step()
    assert (w.data, w.grad, other.data) == (1.0, 1.0, 5.0)
    assert optimizer.lr == 0.5
    assert optimizer.parameters == [w]


@pytest.mark.parametrize("lr", [0, 0.0, -0.0, -1.0, math.nan, math.inf, -math.inf, "a", None, True])
def test_a_learning_rate_is_above_0_and_finite(lr: Any) -> None:
    with pytest.raises(DataError, match="learning rate"):
        SGD([Value(1.0)], lr)


@pytest.mark.parametrize("parameter", [Value(1.0) * 2.0, 1.0, "w", None])
def test_a_parameter_is_a_leaf(parameter: Any) -> None:
    with pytest.raises(OperandError, match="leaf"):
        SGD([Value(1.0), parameter], 0.1)


GRADIENTS = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=20)


def walked(optimizer: Optimizer, gradients: list[float]) -> list[float]:
    """Where a parameter that begins at 0 stands after each of the gradients."""
    (w,) = optimizer.parameters
    places = []
    for gradient in gradients:
        w.grad = gradient
        optimizer.step()
        places.append(w.data)
    return places


# Momentum and Adam, against the sums that their recursions add up to


def test_three_steps_of_momentum_are_those_computed_by_hand() -> None:
    # The speed is 4, then 4 / 2 + 2 = 4, then 4 / 2 - 3 = -1.
    assert walked(Momentum([Value(0.0)], 0.25, beta=0.5), [4.0, 2.0, -3.0]) == [-1.0, -2.0, -1.75]


@given(gradients=GRADIENTS, beta=st.sampled_from([0.0, 0.5, 0.9]))
def test_momentum_adds_up_what_is_left_of_every_gradient(
    gradients: list[float], beta: float
) -> None:
    speeds = [
        sum(beta ** (t - i) * gradients[i] for i in range(t + 1)) for t in range(len(gradients))
    ]
    wanted = -0.1 * numpy.cumsum(speeds)
    found = walked(Momentum([Value(0.0)], 0.1, beta), gradients)
    assert found == pytest.approx(list(wanted), rel=1e-9, abs=1e-9)


def test_momentum_without_memory_is_sgd() -> None:
    gradients = [1.5, -2.0, 0.25]
    memoryless = walked(Momentum([Value(0.0)], 0.1, beta=0.0), gradients)
    assert memoryless == walked(SGD([Value(0.0)], 0.1), gradients)


@pytest.mark.parametrize("gradient", [1e-3, 1.0, -250.0, 1e9])
def test_adam_s_first_step_is_lr_whatever_the_gradient(gradient: float) -> None:
    # m = (1 - beta1) g / (1 - beta1) = g and likewise v = g²: the step is lr g / (|g| + eps).
    wanted = -0.1 * gradient / (abs(gradient) + 1e-8)
    assert walked(Adam([Value(0.0)], 0.1), [gradient]) == [pytest.approx(wanted, rel=1e-12)]


def test_adam_s_second_step_is_that_computed_by_hand() -> None:
    # m = (0.5² 4 + 0.5 0) / (1 - 0.5²) = 4/3 and v = (0.25 0.75 16 + 0) / (1 - 0.75²) = 48/7.
    one, two = walked(Adam([Value(0.0)], 1.0, beta1=0.5, beta2=0.75, eps=1.0), [4.0, 0.0])
    assert one == pytest.approx(-4 / 5)
    assert two - one == pytest.approx(-(4 / 3) / (math.sqrt(48 / 7) + 1))


@given(gradients=GRADIENTS)
def test_adam_steps_by_the_weighted_means_of_the_paper(gradients: list[float]) -> None:
    beta1, beta2, place, wanted = 0.9, 0.999, 0.0, []
    for t in range(1, len(gradients) + 1):
        past = numpy.array(gradients[:t])
        mean = numpy.average(past, weights=beta1 ** numpy.arange(t - 1, -1, -1))
        square = numpy.average(past**2, weights=beta2 ** numpy.arange(t - 1, -1, -1))
        place -= 0.01 * mean / (math.sqrt(square) + 1e-8)
        wanted.append(place)
    assert walked(Adam([Value(0.0)], 0.01), gradients) == pytest.approx(wanted, rel=1e-6, abs=1e-9)


def test_parameters_of_one_optimizer_do_not_mix() -> None:
    for make in (Momentum, Adam):
        u, v = Value(0.0), Value(0.0)
        both = make([u, v], 0.1)
        for gradient in (1.0, -2.0, 3.0):
            u.grad, v.grad = gradient, -10.0 * gradient
            both.step()
        assert u.data == walked(make([Value(0.0)], 0.1), [1.0, -2.0, 3.0])[-1]
        assert v.data == walked(make([Value(0.0)], 0.1), [-10.0, 20.0, -30.0])[-1]


@pytest.mark.parametrize("make", [SGD, Momentum, Adam])
def test_whoever_keeps_the_state_can_go_back_to_it(make: Any) -> None:
    optimizer = make([Value(0.0)], 0.1)
    (w,) = optimizer.parameters
    walked(optimizer, [1.0, 2.0])
    state, place = optimizer.state, w.data
    once = walked(optimizer, [3.0, -4.0])
    optimizer.state, w.data = state, place
    assert walked(optimizer, [3.0, -4.0]) == once


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda w: Momentum(w, 0.1, beta=1.0), "beta must be"),
        (lambda w: Momentum(w, 0.1, beta=-0.1), "beta must be"),
        (lambda w: Adam(w, beta1=1.0), "beta1 must be"),
        (lambda w: Adam(w, beta2=math.nan), "beta2 must be"),
        (lambda w: Adam(w, eps=0.0), "eps must be"),
        (lambda w: Adam(w, eps=math.inf), "eps must be"),
        (lambda w: Adam(w, 0.0), "learning rate"),
        (lambda w: Momentum(w, math.nan), "learning rate"),
        (lambda w: Newton(w, lr=-1.0), "learning rate"),
    ],
)
def test_settings_that_make_no_sense_are_refused(make: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        make([Value(1.0)])


@pytest.mark.parametrize("make", [lambda w: Momentum(w, 0.1), Adam, Newton])
def test_every_optimizer_takes_leaves_only(make: Any) -> None:
    with pytest.raises(OperandError, match="leaf"):
        make([Value(1.0) * 2.0])


def test_an_optimizer_of_one_s_own_is_its_changes() -> None:
    class Sign(Optimizer):
        def changes(self, gradients: Any, cost: Value | None) -> Any:
            return [math.copysign(self.lr, gradient) for gradient in gradients]

    line = Linear()
    w, b = (p.data for p in line.parameters())
    fit(line, X, Y, optimizer=Sign(line.parameters(), 0.5), steps=3, tolerance=0.0)
    assert [p.data for p in line.parameters()] == [w + 1.5, b + 1.5]


@pytest.mark.parametrize("make", [lambda w: Momentum(w, 0.05), lambda w: Adam(w, 0.1)])
def test_momentum_and_adam_learn_8_and_3(make: Any) -> None:
    line = Linear()
    history = fit(line, X, Y, optimizer=make(line.parameters()), steps=20_000)
    assert history.converged
    assert [p.data for p in line.parameters()] == pytest.approx([8.0, 3.0], abs=1e-9)


# Newton


@pytest.mark.parametrize("seed", range(10))
def test_newton_learns_the_line_in_one_step(seed: int) -> None:
    line = Linear(rng=seed)
    history = fit(line, X, Y, optimizer=Newton(line.parameters()), steps=1)
    assert history.steps == 1
    # The gradients are known to some 16 digits, of which the condition number 119 costs two.
    assert [p.data for p in line.parameters()] == pytest.approx([8.0, 3.0], rel=1e-13)


def test_newton_goes_part_of_the_way_at_a_lower_rate() -> None:
    w = Value(8.0)
    cost = (w - 2.0) ** 2
    cost.backward()
    Newton([w], lr=0.25).step(cost)
    assert w.data == pytest.approx(6.5)


def test_newton_doubles_the_digits_where_the_cost_is_not_quadratic() -> None:
    w = Value(0.9)  # x - log x is least at 1, and a step squares the error 1 - x
    optimizer, errors = Newton([w]), []
    for _ in range(4):
        w.grad = 0.0
        cost = w - w.log()
        cost.backward()
        optimizer.step(cost)
        errors.append(1.0 - w.data)
    assert errors == pytest.approx([1e-2, 1e-4, 1e-8, 1e-16], rel=1e-6, abs=1e-15)


def test_newton_does_not_mind_units() -> None:
    u, v = Value(1.0), Value(1.0)
    cost = (1e8 * u - 3e8) ** 2 + (1e-8 * v - 5e-8) ** 2
    cost.backward()
    Newton([u, v]).step(cost)
    assert [u.data, v.data] == pytest.approx([3.0, 5.0], rel=1e-12)


def test_newton_stays_where_it_is_along_what_does_not_curve() -> None:
    u, v, unused = Value(1.0), Value(5.0), Value(7.0)
    cost = (u + v - 2.0) ** 2  # flat along u - v
    cost.backward()
    Newton([u, v, unused]).step(cost)
    assert [u.data, v.data] == pytest.approx([-1.0, 3.0])  # u - v is still -4
    assert unused.data == 7.0


@pytest.mark.parametrize(
    "cost_of",
    [
        lambda u, v: -(u * u) - v * v,  # a maximum
        lambda u, v: u * u - v * v,  # a saddle
        lambda u, v: u * v,
        lambda u, v: sin(u) + v * v,  # which curves downwards at u = 1
        lambda u, v: 3.0 * u + v,  # curves nowhere
    ],
)
def test_newton_refuses_what_does_not_curve_upwards(cost_of: Any) -> None:
    u, v = Value(1.0), Value(2.0)
    cost = cost_of(u, v)
    cost.backward()
    with pytest.raises(DomainError, match="curves upwards"):
        Newton([u, v]).step(cost)
    assert (u.data, v.data) == (1.0, 2.0)


def test_newton_refuses_a_hessian_that_is_not_finite() -> None:
    w = Value(0.0)
    cost = (w * w).sqrt()
    w.grad = 0.0
    with pytest.raises(DomainError, match="not finite"):
        Newton([w]).step(cost)


def test_newton_rests_after_a_step_that_rounding_hides() -> None:
    w = Value(1.0)
    optimizer = Newton([w])
    moves = []
    for offset in (1e-7, 1e-9, 1e-9, 1e-7):  # the cost falls by offset²
        w.data, w.grad = 1.0 + offset, 0.0
        before = w.data
        cost = (w - 1.0) ** 2 + 1.0
        cost.backward()
        optimizer.step(cost)
        moves.append(w.data != before)
    assert moves == [True, True, False, True]


def test_newton_without_the_cost_is_an_error() -> None:
    with pytest.raises(OperandError, match="needs the cost"):
        Newton([Value(1.0)]).step()


# What PyTorch's users do


@pytest.mark.parametrize("make", [lambda w: SGD(w, 0.1), lambda w: Momentum(w, 0.1), Adam, Newton])
def test_zero_grad_of_an_optimizer_sets_the_gradients_of_its_parameters_to_0(make: Any) -> None:
    w, b, other = Value(1.0), Value(2.0), Value(3.0)
    total([w * w, b * b, other * other]).backward()
    make([w, b]).zero_grad()
    assert (w.grad, b.grad, other.grad) == (0.0, 0.0, 6.0)


@pytest.mark.parametrize("make", [lambda w: SGD(w, 0.1), lambda w: Momentum(w, 0.1), Adam])
def test_a_gradient_of_none_counts_as_0(make: Any) -> None:
    grads: list[Any] = [None, 3.0]
    moved = []
    for first in (None, 0.0):
        w, b = Value(1.0), Value(2.0)
        w.grad, b.grad = cast("Any", first), grads[1]
        make([w, b]).step()
        moved.append((w.data, b.data))
    assert moved[0] == moved[1]
    assert moved[0][0] == 1.0
    assert moved[0][1] < 2.0


def test_newton_counts_gradients_of_none_as_0_too() -> None:
    w = Value(1.0)
    w.grad = cast("Any", None)
    Newton([w]).step(w * w)
    assert w.data == 1.0


# The command line's names


def test_every_optimizer_of_the_package_has_its_name_and_a_rate_to_try() -> None:
    assert list(OPTIMIZERS)[:4] == ["sgd", "momentum", "adam", "newton"]
    assert {kind.__name__ for kind in OPTIMIZERS.values()} | {"Optimizer"} == {*optimizers.__all__}
    for name, kind in OPTIMIZERS.items():
        assert kind.__name__.lower() == name
        assert kind([Value(1.0)], lr=kind.usual_lr).lr == kind.usual_lr
        assert getattr(nn, kind.__name__) is kind


# The learning rate at which gradient descent begins to diverge

# The Hessian of the line's cost is X^T X / n = [[10, 3], [3, 1]] with eigenvalues (11 ± √117) / 2.
LINE_LIMIT = 2 / ((11 + math.sqrt(117)) / 2)

FEATURES = st.integers(1, 3).flatmap(lambda width: training_sets(width, min_size=1, max_size=6))


def test_the_limit_of_the_line_is_2_over_its_largest_eigenvalue() -> None:
    line = Linear()
    cost = half_mse([line(x) for x in X], Y)
    limit = learning_rate_limit(cost, line.parameters())
    assert round(limit, 5) == 0.18335
    assert limit == pytest.approx(LINE_LIMIT, rel=1e-12)
    full = mse([line(x) for x in X], Y)  # twice the cost curves twice as much
    assert learning_rate_limit(full, line.parameters()) == pytest.approx(LINE_LIMIT / 2, rel=1e-12)


@given(points=FEATURES)
def test_the_limit_is_that_of_numpy_s_eigenvalues(points: TrainingSet) -> None:
    rows = [numpy.atleast_1d(row).tolist() for row in points.x]
    model = Linear(inputs=len(rows[0]))
    cost = half_mse([model(row) for row in rows], [1.0] * len(rows))
    design = numpy.hstack([numpy.array(rows), numpy.ones((len(rows), 1))])
    steepest = numpy.linalg.eigvalsh(design.T @ design / len(rows))[-1]
    assert learning_rate_limit(cost, model.parameters()) == pytest.approx(2 / steepest, rel=1e-9)


def test_training_shrinks_the_cost_below_the_limit_and_grows_it_above() -> None:
    below = fit(Linear(), X, Y, lr=0.99 * LINE_LIMIT, steps=300, tolerance=0.0).costs
    above = fit(Linear(), X, Y, lr=1.01 * LINE_LIMIT, steps=300, tolerance=0.0).costs
    # Along the steepest eigenvector a step multiplies the error by -0.98 and by -1.02.
    assert below[-1] < below[0] / 1000
    assert above[-1] > above[0] * 1000


def test_there_is_no_limit_where_the_cost_curves_nowhere_upwards() -> None:
    w, b = Value(1.0), Value(2.0)
    assert learning_rate_limit(3.0 * w - b, [w, b]) == math.inf
    assert learning_rate_limit(-(w * w), [w]) == math.inf
    assert learning_rate_limit(w * w, [b]) == math.inf


def test_without_parameters_there_is_no_limit_to_ask_for() -> None:
    with pytest.raises(DataError, match="at least one"):
        learning_rate_limit(Value(1.0) * 2.0, [])


def test_the_limit_is_that_of_the_parameters_given() -> None:
    w, b = Value(1.0), Value(2.0)
    cost = total([w * w, 5.0 * b * b])
    assert learning_rate_limit(cost, [w]) == pytest.approx(1.0)
    assert learning_rate_limit(cost, [b]) == pytest.approx(0.2)
    assert learning_rate_limit(cost, [w, b]) == pytest.approx(0.2)
