"""The functions of a program: how each kind of them runs, and notices what may be wrong."""

from __future__ import annotations

import math
import warnings
from contextvars import copy_context
from functools import partial
from typing import Any

import numpy

FLOAT = numpy.dtype(float)
MOST_NUMBERS = 8_000_000  # that columns hold at once
MOST_SIZES = 4  # of batches that a function keeps arrays for
STRICT: Any = {"divide": "raise", "invalid": "raise", "over": "raise", "under": "ignore"}


class Function:
    """A function of parameters and columns: the output, and its gradient or None.

    Called, it raises FloatingPointError where a row may have left the domain of an operation;
    then :meth:`quietly` gives what IEEE 754 does.

    Attributes:
        how: what became of the operations, in words.
        source: its text.
        operations: how many there were in the graph, and how many are left, on arrays.
    """

    how = "on arrays"

    def __init__(self, program: Any, source: str, operations: tuple[int, int]) -> None:
        self.program = program
        self.source = source
        self.operations = operations

    def __call__(self, p: Any, columns: list[Any], n: int) -> tuple[Any, Any]:
        """Run, and notice what may be wrong."""
        with numpy.errstate(**STRICT):
            result: tuple[Any, Any] = self.program(p, 1.0 / n, *columns)
            return result

    def quietly(self, p: Any, columns: list[Any], n: int) -> tuple[Any, Any]:
        """Run, come what may."""
        with numpy.errstate(all="ignore"):
            result: tuple[Any, Any] = self.program(p, 1.0 / n, *columns)
            return result


class InPlace(Function):
    """A function that runs in arrays of an earlier run, a block of rows at a time."""

    def __init__(
        self, program: Any, source: str, operations: tuple[int, int], prepare: Any, block: float
    ) -> None:
        super().__init__(program, source, operations)
        self.prepare = prepare
        self.block = block
        self.ready: dict[int, list[Any]] = {}

    def __call__(self, p: Any, columns: list[Any], n: int) -> tuple[Any, Any]:
        """Run, and notice what may be wrong."""
        if n > self.block:
            value, gradient = 0.0, None
            size = math.ceil(n / math.ceil(n / self.block))
            for begin in range(0, n, size):
                block = [numpy.asarray(column[begin : begin + size], float) for column in columns]
                part, slopes = self.run(p, block, min(size, n - begin), 1.0 / n)
                value += part
                if slopes is not None:
                    gradient = slopes if gradient is None else gradient + slopes
        else:
            columns = [c if c.dtype is FLOAT else numpy.asarray(c, float) for c in columns]
            value, gradient = self.run(p, columns, n, 1.0 / n)
        if not math.isfinite(value):
            raise FloatingPointError
        return value, gradient

    def run(self, p: Any, columns: list[Any], n: int, weight: float) -> tuple[Any, Any]:
        """Run in arrays that nobody runs in now."""
        ready = self.ready.get(n)
        if ready is None:
            if len(self.ready) >= MOST_SIZES:
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


class Gathered(Function):
    """A function on one array of all values."""

    how = "on arrays, each of many of a kind"


class Scalars(Function):
    """A function on Python's numbers, one by one."""

    how = "on numbers, one after the other"

    def __call__(self, p: Any, columns: list[Any], n: int) -> tuple[Any, Any]:
        """Run, and notice what may be wrong."""
        try:
            value, slopes = self.program(p.tolist(), 1.0)
        except (ArithmeticError, ValueError):
            raise FloatingPointError from None
        return value, slopes and numpy.array(slopes)


class Columns(Function):
    """A function on columns, one operation at a time, for some rows at a time."""

    how = "on columns, one after the other"

    def __init__(
        self, program: Any, source: str, operations: tuple[int, int], size: int, rows: bool
    ) -> None:
        super().__init__(program, source, operations)
        self.block: int = max(1, MOST_NUMBERS // size)
        self.rows = rows

    def __call__(self, p: Any, columns: list[Any], n: int) -> tuple[Any, Any]:
        """Run, and notice what may be wrong."""
        with numpy.errstate(**STRICT):
            return self.run(p, columns, n)

    def quietly(self, p: Any, columns: list[Any], n: int) -> tuple[Any, Any]:
        """Run, come what may."""
        with numpy.errstate(all="ignore"):
            return self.run(p, columns, n)

    def run(self, p: Any, columns: list[Any], n: int) -> tuple[Any, Any]:
        """Run block by block."""
        values, gradients = [], []
        for begin in range(0, n, self.block):
            part = slice(begin, begin + self.block)
            count = len(columns[0][part])
            value, slopes = self.program(
                p[part].T if self.rows else p, 1.0, *[column[part] for column in columns]
            )
            values.append(numpy.broadcast_to(value, count))
            if slopes is not None:
                columns_of = [numpy.broadcast_to(d, count) for d in slopes]
                gradients.append(numpy.array(columns_of).reshape(len(slopes), count).T)
        every = numpy.concatenate(values)
        gradient = numpy.concatenate(gradients) if gradients else None
        if self.rows:
            return every, gradient
        return every.mean(), None if gradient is None else gradient.mean(0)


class Jitted(Function):
    """A function under ``jax.jit``."""

    how = "on arrays, under jax.jit"

    def __init__(self, program: Any, source: str, operations: tuple[int, int]) -> None:
        import jax

        super().__init__(jax.jit(program), source, operations)
        if not jax.config.jax_enable_x64:
            warnings.warn(
                "JAX computes in float32 here; for the numbers of NumPy set "
                'jax.config.update("jax_enable_x64", True) first',
                stacklevel=6,
            )

    def __call__(self, p: Any, columns: list[Any], n: int) -> tuple[Any, Any]:
        """Run, and notice what may be wrong."""
        import jax.numpy

        value, gradient = self.quietly(p, columns, n)
        for result in (value, gradient):
            if result is not None and not bool(jax.numpy.isfinite(result).all()):
                raise FloatingPointError
        return value, gradient

    def quietly(self, p: Any, columns: list[Any], n: int) -> tuple[Any, Any]:
        """Run, come what may."""
        result: tuple[Any, Any] = self.program(p, 1.0 / n, *columns)
        return result
