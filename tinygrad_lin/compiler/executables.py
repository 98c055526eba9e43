"""Executables: how each kind of compiled function runs, and notices what may be wrong."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

import numpy

FLOAT = numpy.dtype(float)
MAX_SIZES = 4  # Arrays for every size of batch that occurs could fill the memory.
STRICT: Any = {"divide": "raise", "invalid": "raise", "over": "raise", "under": "ignore"}


@dataclass(eq=False)
class Executable:
    """A function of parameters and columns: the output, and its gradient or None.

    Called, it raises FloatingPointError where a row may have left the domain of an operation;
    then :meth:`run_quietly` gives what IEEE 754 does.
    """

    how: ClassVar[str] = "on arrays"  # What became of the operations, in words.
    program: Any
    source: str
    operations: tuple[int, int]  # How many the graph had, and how many are left.

    def __call__(self, p: Any, columns: list[Any], n: int) -> tuple[Any, Any]:
        """Run, and notice what may be wrong."""
        with numpy.errstate(**STRICT):
            return self.run(p, columns, n)

    def run_quietly(self, p: Any, columns: list[Any], n: int) -> tuple[Any, Any]:
        """Run, and let infinities and NaN be results."""
        with numpy.errstate(all="ignore"):
            return self.run(p, columns, n)

    def run(self, p: Any, columns: list[Any], n: int) -> tuple[Any, Any]:
        """Run under NumPy's settings of the moment."""
        result: tuple[Any, Any] = self.program(p, 1.0 / n, *columns)
        return result


@dataclass(eq=False)
class InPlaceExecutable(Executable):
    """A function that runs in arrays of an earlier run, a block of rows at a time."""

    prepare: Any
    block: float
    ready: dict[int, list[Any]] = field(default_factory=dict)

    def __call__(self, p: Any, columns: list[Any], n: int) -> tuple[Any, Any]:
        """Run, and notice what may be wrong."""
        if n > self.block:
            value, gradient = 0.0, None
            size = math.ceil(n / math.ceil(n / self.block))
            for begin in range(0, n, size):
                block = [numpy.asarray(column[begin : begin + size], float) for column in columns]
                part, added = self.run_block(p, block, min(size, n - begin), 1.0 / n)
                value += part
                if added is not None:
                    gradient = added if gradient is None else gradient + added
        else:
            columns = [c if c.dtype is FLOAT else numpy.asarray(c, float) for c in columns]
            value, gradient = self.run_block(p, columns, n, 1.0 / n)
        if not math.isfinite(value):
            raise FloatingPointError
        return value, gradient

    def run_block(self, p: Any, columns: list[Any], n: int, weight: float) -> tuple[Any, Any]:
        """Run in arrays that no other thread runs in now."""
        ready = self.ready.get(n)
        if ready is None:
            if len(self.ready) >= MAX_SIZES:
                self.ready.clear()
            ready = self.ready.setdefault(n, [])
        try:
            run = ready.pop()
        except IndexError:
            # A context of its own holds NumPy's switches: setting them anew would take longer.
            context = copy_context()
            context.run(numpy.seterr, **STRICT)
            run = partial(context.run, self.prepare(n))
        try:
            result: tuple[Any, Any] = run(p, weight, *columns)
        finally:
            ready.append(run)
        return result


class GroupedExecutable(Executable):
    """A function on one array of all values."""

    how = "on arrays, each of many of a kind"


class ScalarExecutable(Executable):
    """A function on Python's numbers, one by one."""

    how = "on numbers, one after the other"

    def __call__(self, p: Any, columns: list[Any], n: int) -> tuple[Any, Any]:
        """Run, and notice what may be wrong."""
        try:
            value, gradient = self.program(p.tolist(), 1.0)
        except (ArithmeticError, ValueError):
            raise FloatingPointError from None
        return value, gradient and numpy.array(gradient)


@dataclass(eq=False)
class ColumnExecutable(Executable):
    """A function on columns, one operation at a time, for some rows at a time."""

    how = "on columns, one after the other"

    block: int
    per_row: bool

    def run(self, p: Any, columns: list[Any], n: int) -> tuple[Any, Any]:
        """Run block by block."""
        values, gradients = [], []
        for begin in range(0, n, self.block):
            part = slice(begin, begin + self.block)
            count = len(columns[0][part])
            value, derivatives = self.program(
                p[part].T if self.per_row else p, 1.0, *[column[part] for column in columns]
            )
            values.append(numpy.broadcast_to(value, count))
            if derivatives is not None:
                columns_of = [numpy.broadcast_to(d, count) for d in derivatives]
                gradients.append(numpy.array(columns_of).reshape(len(derivatives), count).T)
        every = numpy.concatenate(values)
        gradient = numpy.concatenate(gradients) if gradients else None
        if self.per_row:
            return every, gradient
        return every.mean(), None if gradient is None else gradient.mean(0)


@dataclass(eq=False)
class JaxExecutable(Executable):
    """A function under ``jax.jit``, where NumPy's settings do not count."""

    how = "on arrays, under jax.jit"

    def __post_init__(self) -> None:
        import jax

        self.program: Callable[..., Any] = jax.jit(self.program)
        if not jax.config.jax_enable_x64:
            warnings.warn(
                "JAX computes in float32 here; for the numbers of NumPy set "
                'jax.config.update("jax_enable_x64", True) first',
                stacklevel=7,
            )

    def __call__(self, p: Any, columns: list[Any], n: int) -> tuple[Any, Any]:
        """Run, and notice what may be wrong."""
        import jax.numpy

        value, gradient = self.run(p, columns, n)
        for result in (value, gradient):
            if result is not None and not bool(jax.numpy.isfinite(result).all()):
                raise FloatingPointError
        return value, gradient


def compile_functions(
    sources: list[str], namespace: dict[str, Any], name: str = "program"
) -> Callable[..., Any]:
    """The last of some functions, which calls the others.

    Each has a namespace of its own that does not hold itself: that would be a reference cycle.
    """
    others: dict[str, Any] = {}
    for source in sources:
        own = namespace | others if source is sources[-1] else dict(namespace)
        before = set(own)
        # The source is made of parsed formulas, of numbers, and of names that were checked.
        exec(compile(source, "<compiled graph>", "exec"), own)  # nosec B102
        (made,) = set(own) - before - {"__builtins__"}
        others[made] = own.pop(made)
    function: Callable[..., Any] = others[name]
    return function


def suppress_warnings() -> Any:
    """Let a case that is not chosen overflow."""
    return numpy.errstate(all="ignore")


def require_finite(array: Any) -> None:
    """Raise FloatingPointError where the case that is chosen has made no number."""
    if numpy.geterr()["invalid"] == "raise" and not numpy.isfinite(array).all():
        raise FloatingPointError
