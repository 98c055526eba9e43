"""How the gradient becomes a step, and how large the step may be."""

from __future__ import annotations

import math
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy

from tinygrad_lin.errors import DataError, DomainError, OperandError, shown
from tinygrad_lin.reverse import hessian
from tinygrad_lin.value import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TypeAlias

    from numpy import float64
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[float64]


def is_real(setting: object) -> bool:
    """Whether a setting is one real number, and no truth value."""
    return isinstance(setting, Real) and not isinstance(setting, bool)


class Optimizer:
    """What makes a step of a gradient. One of your own is a class with its own :meth:`changes`.

    Args:
        parameters: leaves, such as ``model.parameters()``.
        lr: the learning rate, above 0.

    Attributes:
        wants_graph: whether :meth:`changes` needs the cost; unless told otherwise, it may.
        state: what it remembers from one step to the next: a tuple that each step replaces and
            none changes, so that who holds it can go back to it.

    Raises:
        DataError: the learning rate is not a number above 0.
        OperandError: a parameter is not a leaf.
    """

    wants_graph: bool = True
    state: tuple[Any, ...] = ()

    def __init__(self, parameters: Iterable[Value], lr: float) -> None:
        self.parameters: list[Value] = list(parameters)
        for parameter in self.parameters:
            if not isinstance(parameter, Value) or parameter.op is not None:
                raise OperandError(
                    f"a parameter is a leaf, a Value made by hand: {shown(parameter)}"
                )
        if not is_real(lr) or not 0 < lr < math.inf:
            raise DataError(f"the learning rate must be above 0 and finite, not {lr!r}")
        self.lr = lr

    def changes(self, slopes: Floats, cost: Value | None) -> Floats:
        """What to subtract from each parameter, given the cost and its slope along each."""
        raise NotImplementedError

    def step(self, cost: Value | None = None) -> None:
        """Change the parameters according to their ``grad`` (and, for Newton, to the cost)."""
        slopes = numpy.array([parameter.grad for parameter in self.parameters])
        changes = numpy.asarray(self.changes(slopes, cost), dtype=float)
        for parameter, change in zip(self.parameters, changes.tolist()):
            parameter._datum -= change


class SGD(Optimizer):
    """Gradient descent: w -= lr * dC/dw. Arguments and errors are those of :class:`Optimizer`.

    >>> w = Value(1.0, "w")
    >>> (w * w).backward()
    >>> SGD([w], lr=0.1).step()
    >>> w.data
    0.8
    """

    wants_graph: bool = False

    def changes(self, slopes: Floats, cost: Value | None) -> Floats:
        """Straight downhill."""
        return self.lr * slopes


class Momentum(Optimizer):
    """A ball that rolls downhill: v = beta * v + dC/dw, then w -= lr * v.

    Polyak 1964, "Some methods of speeding up the convergence of iteration methods", written as in
    PyTorch. Arguments and errors are those of :class:`Optimizer`, and beta, from 0 up to 1: how
    much of its speed the ball keeps.

    >>> w = Value(1.0, "w")
    >>> ball = Momentum([w], lr=0.1)
    >>> for slope in (1.0, 1.0, 0.0):
    ...     w.grad = slope
    ...     ball.step()
    ...     print(f"{w.data:.3f}")
    0.900
    0.710
    0.539
    """

    wants_graph: bool = False

    def __init__(self, parameters: Iterable[Value], lr: float, beta: float = 0.9) -> None:
        super().__init__(parameters, lr)
        self.beta: float = share("beta", beta)
        self.state: tuple[Any, ...] = (numpy.zeros(len(self.parameters)),)

    def changes(self, slopes: Floats, cost: Value | None) -> Floats:
        """The speed, after the slopes have added to it."""
        speed = self.beta * numpy.asarray(self.state[0]) + slopes
        self.state = (speed,)
        change: Floats = self.lr * speed
        return change


class Adam(Optimizer):
    """Steps of about lr in every parameter, whatever the size of its slope.

    Kingma, Ba 2015, "Adam: a method for stochastic optimization", algorithm 1: the mean m of the
    slopes and the mean v of their squares forget at the rates beta1 and beta2, are corrected for
    having begun at 0, and w -= lr * m / (sqrt(v) + eps). Arguments and errors are otherwise those
    of :class:`Optimizer`.

    >>> w = Value(1.0, "w")
    >>> w.grad = 250.0
    >>> Adam([w], lr=0.1).step()
    >>> round(w.data, 9)
    0.9
    """

    wants_graph: bool = False

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
    ) -> None:
        super().__init__(parameters, lr)
        self.beta1: float = share("beta1", beta1)
        self.beta2: float = share("beta2", beta2)
        if not 0.0 < eps < math.inf:
            raise DataError(f"eps must be above 0 and finite, not {eps}")
        self.eps = eps
        nothing = numpy.zeros(len(self.parameters))
        self.state: tuple[Any, ...] = (0, nothing, nothing)

    def changes(self, slopes: Floats, cost: Value | None) -> Floats:
        """The mean slope in units of its usual size."""
        t, means, squares = self.state
        t += 1
        means = self.beta1 * numpy.asarray(means) + (1 - self.beta1) * slopes
        squares = self.beta2 * numpy.asarray(squares) + (1 - self.beta2) * slopes * slopes
        self.state = (t, means, squares)
        begun, squares_begun = 1 - self.beta1**t, 1 - self.beta2**t
        size = numpy.sqrt(squares / squares_begun)
        change: Floats = self.lr * (means / begun) / (size + self.eps)
        return change


class Newton(Optimizer):
    """The step to where the slopes vanish, if the cost is quadratic: w -= H⁻¹ dC/dw.

    H is the exact Hessian of the cost, which :meth:`step` needs for that. Along a direction in
    which the cost does not curve at all, as where one feature is the sum of two others, it stays
    where it is. A learning rate below 1 goes that part of the way.

    Raises:
        DomainError: at a step, where the cost curves downwards; the slopes vanish at a saddle or a
            maximum then.

    >>> from tinygrad_lin import Linear, half_mse
    >>> line = Linear()
    >>> cost = half_mse([line(2.0), line(4.0)], [19.0, 35.0])
    >>> cost.backward()
    >>> Newton(line.parameters()).step(cost)
    >>> [round(p.data, 12) for p in line.parameters()]
    [8.0, 3.0]
    """

    def __init__(self, parameters: Iterable[Value], lr: float = 1.0) -> None:
        super().__init__(parameters, lr)
        self.state: tuple[Any, ...] = (False,)

    def changes(self, slopes: Floats, cost: Value | None) -> Floats:
        """The slopes divided by the curvature, along each eigenvector of the Hessian."""
        if cost is None:
            raise OperandError("Newton's step needs the cost: step(cost)")
        curvature = hessian(cost, self.parameters)
        if not numpy.isfinite(curvature).all():
            raise DomainError("Newton's step needs a Hessian, and here it is not finite")
        # In units that make the diagonal 1, parameters of very different size do no harm.
        diagonal = numpy.sqrt(numpy.abs(numpy.diag(curvature)))
        units = numpy.where(diagonal > 0.0, diagonal, 1.0)
        along, directions = numpy.linalg.eigh(curvature / units / units[:, None])
        rounding = len(along) * numpy.finfo(float).eps * numpy.abs(along).max()
        if along[0] < -rounding or not along[-1] > rounding:
            raise DomainError(
                "Newton's step needs a cost that curves upwards, but here an eigenvalue of its "
                f"Hessian is {curvatures(cost, self.parameters)[0]:.4g}; go some way with another "
                "optimizer first"
            )
        curved = along > rounding
        inverse = numpy.divide(1.0, along, out=numpy.zeros_like(along), where=curved)
        downhill = directions.T @ (slopes / units)
        gain = (inverse * downhill**2).sum() / 2.0
        (was_small,) = self.state
        self.state = (bool(gain <= numpy.finfo(float).eps * abs(cost.data)),)
        if was_small and self.state[0]:
            return numpy.zeros(len(slopes))
        steps: Floats = self.lr * (directions @ (inverse * downhill)) / units
        return steps


def share(name: str, part: float) -> float:
    """How much is kept from one step to the next: a number from 0 up to 1."""
    if not 0.0 <= part < 1.0:
        raise DataError(f"{name} must be at least 0 and below 1, not {part}")
    return part


def learning_rate_limit(cost: Value, parameters: Sequence[Value]) -> float:
    """The learning rate at which gradient descent begins to diverge: 2 / λmax.

    λmax is the largest eigenvalue of the Hessian of the cost. Below the limit every step shrinks
    the error along each eigenvector by a factor 1 - lr·λ of size under 1, where the cost is
    quadratic; elsewhere it holds near a minimum. Infinite where the cost curves nowhere upwards.

    >>> from tinygrad_lin import Linear, half_mse
    >>> line = Linear()
    >>> cost = half_mse([line(2.0), line(4.0)], [19.0, 35.0])
    >>> round(learning_rate_limit(cost, line.parameters()), 5)
    0.18335
    """
    steepest = curvatures(cost, parameters)[-1]
    return 2.0 / steepest if steepest > 0.0 else math.inf


def curvatures(cost: Value, parameters: Sequence[Value]) -> list[float]:
    """The eigenvalues of the Hessian of the cost, from the smallest to the largest.

    Raises:
        DataError: there are no parameters.
    """
    if not parameters:
        raise DataError("the curvature of a cost is that by parameters: give at least one")
    eigenvalues: list[float] = numpy.linalg.eigvalsh(hessian(cost, parameters)).tolist()
    return eigenvalues
