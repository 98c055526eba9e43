"""How the gradient becomes a step, and how large a learning rate the curvature of the cost allows.

To add an optimizer, write a class with its `changes` here and add it to `__all__` and OPTIMIZERS:
`tinygrad_lin.nn` and the command line take their names from there.
"""

from __future__ import annotations

import math
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy

from tinygrad_lin._leaves import subtract_from_leaves
from tinygrad_lin.errors import DataError, DomainError, OperandError, short_repr
from tinygrad_lin.transforms import hessian
from tinygrad_lin.value import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tinygrad_lin.nn.data import Floats

MAX_HESSIAN_PARAMETERS = 64
"""With more parameters, the Hessian takes too long where the limit is only a piece of advice."""
__all__ = ["SGD", "Adam", "Momentum", "Newton", "Optimizer"]


class Optimizer:
    """Turns a gradient into a step. One of your own is a subclass with its own :meth:`changes`.

    Args:
        parameters: leaves, such as ``model.parameters()``.
        lr: the learning rate, above 0.

    Attributes:
        wants_graph: whether :meth:`changes` may need the graph of the cost.
        state: what it remembers from one step to the next: a tuple that each step replaces and
            none changes, so that whoever keeps it can go back to it.
        usual_lr: a learning rate to try first, for a net.
        descent_speed: for a line, how many steps of gradient descent one of its steps is worth at
            the same learning rate; infinite if it needs no rate below the limit of descent.

    Raises:
        DataError: the learning rate is not a number above 0.
        OperandError: a parameter is not a leaf.
    """

    wants_graph: bool = True
    state: tuple[Any, ...] = ()
    usual_lr: float = 0.01
    descent_speed: float = math.inf

    def __init__(self, parameters: Iterable[Value], lr: float) -> None:
        self.parameters: list[Value] = list(parameters)
        for parameter in self.parameters:
            if not isinstance(parameter, Value) or parameter.op is not None:
                raise OperandError(
                    f"a parameter is a leaf, a Value made by hand: {short_repr(parameter)}"
                )
        if not is_real(lr) or not 0 < lr < math.inf:
            raise DataError(f"the learning rate must be above 0 and finite, not {lr!r}")
        self.lr = lr

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0, as a fresh backward pass needs it."""
        for parameter in self.parameters:
            parameter.grad = 0.0

    def changes(self, gradient: Floats, cost: Value | None) -> Floats:
        """What to subtract from each parameter, given the gradient of the cost."""
        raise NotImplementedError

    def step(self, cost: Value | None = None) -> None:
        """Change the parameters according to their ``grad``, where None counts as 0.

        Args:
            cost: the graph of the cost, which Newton needs.
        """
        gradient = numpy.array([parameter.grad for parameter in self.parameters])
        if gradient.dtype == object:
            gradient = numpy.where(gradient == None, 0.0, gradient).astype(float)  # noqa: E711
        changes = numpy.asarray(self.changes(gradient, cost), dtype=float)
        subtract_from_leaves(self.parameters, changes.tolist())


class SGD(Optimizer):
    """Gradient descent: w -= lr * dC/dw. Arguments and errors are those of :class:`Optimizer`.

    >>> w = Value(1.0, "w")
    >>> (w * w).backward()
    >>> SGD([w], lr=0.1).step()
    >>> w.data
    0.8
    """

    wants_graph: bool = False
    usual_lr: float = 0.1
    descent_speed: float = 1.0

    def changes(self, gradient: Floats, cost: Value | None) -> Floats:
        """Straight downhill."""
        return self.lr * gradient


class Momentum(Optimizer):
    """A ball that rolls downhill: v = beta * v + dC/dw, then w -= lr * v.

    Polyak 1964, "Some methods of speeding up the convergence of iteration methods", written as in
    PyTorch. Arguments and errors are those of :class:`Optimizer`, and beta, from 0 up to 1: how
    much of its velocity the ball keeps.

    >>> w = Value(1.0, "w")
    >>> ball = Momentum([w], lr=0.1)
    >>> for gradient in (1.0, 1.0, 0.0):
    ...     w.grad = gradient
    ...     ball.step()
    ...     print(f"{w.data:.3f}")
    0.900
    0.710
    0.539
    """

    wants_graph: bool = False
    descent_speed: float = 10.0  # 1 / (1 - beta), at the default beta

    def __init__(self, parameters: Iterable[Value], lr: float, beta: float = 0.9) -> None:
        super().__init__(parameters, lr)
        require_decay("beta", beta)
        self.beta = beta
        self.state: tuple[Any, ...] = (numpy.zeros(len(self.parameters)),)

    def changes(self, gradient: Floats, cost: Value | None) -> Floats:
        """The velocity, after the gradient has been added to it."""
        velocity = self.beta * numpy.asarray(self.state[0]) + gradient
        self.state = (velocity,)
        change: Floats = self.lr * velocity
        return change


class Adam(Optimizer):
    """Steps of about lr in every parameter, whatever the size of its gradient.

    Kingma, Ba 2015, "Adam: a method for stochastic optimization", algorithm 1: the running
    means m of the gradient and v of its square, which decay by beta1 and beta2, are corrected for
    having started at 0, and w -= lr * m / (sqrt(v) + eps). Arguments and errors are otherwise those
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
        require_decay("beta1", beta1)
        require_decay("beta2", beta2)
        if not 0.0 < eps < math.inf:
            raise DataError(f"eps must be above 0 and finite, not {eps}")
        self.beta1: float = beta1
        self.beta2: float = beta2
        self.eps: float = eps
        zeros = numpy.zeros(len(self.parameters))
        self.state: tuple[Any, ...] = (0, zeros, zeros)

    def changes(self, gradient: Floats, cost: Value | None) -> Floats:
        """The mean gradient in units of its usual size."""
        t, m, v = self.state
        t += 1
        m = self.beta1 * numpy.asarray(m) + (1 - self.beta1) * gradient
        v = self.beta2 * numpy.asarray(v) + (1 - self.beta2) * gradient * gradient
        self.state = (t, m, v)
        mean, size = m / (1 - self.beta1**t), numpy.sqrt(v / (1 - self.beta2**t))
        change: Floats = self.lr * mean / (size + self.eps)
        return change


class Newton(Optimizer):
    """The step to where the gradient vanishes, if the cost is quadratic: w -= H⁻¹ dC/dw.

    H is the exact Hessian of the cost, which :meth:`step` needs for that. It does not move along a
    direction in which the cost does not curve at all, as where one feature is the sum of two
    others. A learning rate below 1 goes that part of the way.

    Raises:
        DomainError: at a step, where the cost curves downwards; there the gradient vanishes at a
            saddle or a maximum.

    >>> from tinygrad_lin import Linear, half_mse
    >>> line = Linear()
    >>> cost = half_mse([line(2.0), line(4.0)], [19.0, 35.0])
    >>> cost.backward()
    >>> Newton(line.parameters()).step(cost)
    >>> [round(p.data, 12) for p in line.parameters()]
    [8.0, 3.0]
    """

    usual_lr: float = 1.0

    def __init__(self, parameters: Iterable[Value], lr: float = 1.0) -> None:
        super().__init__(parameters, lr)
        self.state: tuple[Any, ...] = (False,)

    def changes(self, gradient: Floats, cost: Value | None) -> Floats:
        """The gradient divided by the curvature, along each eigenvector of the Hessian."""
        if cost is None:
            raise OperandError("Newton's step needs the cost: step(cost)")
        curvature = hessian(cost, self.parameters)
        if not numpy.isfinite(curvature).all():
            raise DomainError("Newton's step needs a Hessian, and here it is not finite")
        # In units that make the diagonal 1, parameters of very different size do no harm.
        diagonal = numpy.sqrt(numpy.abs(numpy.diag(curvature)))
        units = numpy.where(diagonal > 0.0, diagonal, 1.0)
        eigenvalues, directions = numpy.linalg.eigh(curvature / units / units[:, None])
        rounding = len(units) * numpy.finfo(float).eps * numpy.abs(eigenvalues).max()
        if eigenvalues[0] < -rounding or not eigenvalues[-1] > rounding:
            raise DomainError(
                "Newton's step needs a cost that curves upwards, but here an eigenvalue of its "
                f"Hessian is {curvatures(cost, self.parameters)[0]:.4g}; go some way with another "
                "optimizer first"
            )
        inverse = numpy.zeros_like(eigenvalues)
        numpy.divide(1.0, eigenvalues, out=inverse, where=eigenvalues > rounding)
        downhill = directions.T @ (gradient / units)
        if self.is_at_rest((inverse * downhill**2).sum() / 2.0, cost.data):
            return numpy.zeros(len(gradient))
        steps: Floats = self.lr * (directions @ (inverse * downhill)) / units
        return steps

    def is_at_rest(self, gain: float, cost: float) -> bool:
        """Whether rounding hides what this step would gain, and hid it for the last step too."""
        (was_hidden,) = self.state
        self.state = (bool(gain <= numpy.finfo(float).eps * abs(cost)),)
        return bool(was_hidden and self.state[0])


OPTIMIZERS = {kind.__name__.lower(): kind for kind in (SGD, Momentum, Adam, Newton)}
"""The optimizers by the names that the command line has for them."""


def learning_rate_limit(cost: Value, parameters: Sequence[Value]) -> float:
    """The learning rate at which gradient descent begins to diverge: 2 / λmax.

    λmax is the largest eigenvalue of the Hessian of the cost. Where the cost is quadratic, a step
    multiplies the error along an eigenvector by 1 - lr·λ, which shrinks it if the rate is below the
    limit; elsewhere that holds near a minimum. Infinite where the cost curves nowhere upwards.

    >>> from tinygrad_lin import Linear, half_mse
    >>> line = Linear()
    >>> cost = half_mse([line(2.0), line(4.0)], [19.0, 35.0])
    >>> round(learning_rate_limit(cost, line.parameters()), 5)
    0.18335
    """
    steepest = curvatures(cost, parameters)[-1]
    return 2.0 / steepest if steepest > 0.0 else math.inf


def curvatures(cost: Value, parameters: Sequence[Value]) -> list[float]:
    """The eigenvalues of the Hessian of the cost, from the smallest to the largest."""
    if not parameters:
        raise DataError("a cost curves along its parameters: give at least one")
    eigenvalues: list[float] = numpy.linalg.eigvalsh(hessian(cost, parameters)).tolist()
    return eigenvalues


def is_real(setting: object) -> bool:
    """Whether a setting is one real number, and no truth value."""
    return isinstance(setting, Real) and not isinstance(setting, bool)


def require_decay(name: str, decay: float) -> None:
    """Refuse what does not decay: 1 or more, or less than 0."""
    if not 0.0 <= decay < 1.0:
        raise DataError(f"{name} must be at least 0 and below 1, not {decay}")
