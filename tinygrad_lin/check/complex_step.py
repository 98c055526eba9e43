"""Derivatives by a complex step: f(x + ih) has the imaginary part h·f'(x), and nothing cancels.

So h can be tiny, and the derivative is exact to rounding. It is computed from the formulas of the
table alone, not from the local derivatives. Formulas that cannot be read with complex numbers, such
as one with a function that only :mod:`math` has, give none.

J. R. R. A. Martins, P. Sturdza, J. J. Alonso, ACM Transactions on Mathematical Software 29 (2003)
245-262.
"""

from __future__ import annotations

import ast
import cmath
from typing import TYPE_CHECKING, Any

from tinygrad_lin.check.differences import Difference
from tinygrad_lin.expression import expression_of
from tinygrad_lin.graph import topological_order
from tinygrad_lin.ops import TABLE, Reader, over_sequences
from tinygrad_lin.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinygrad_lin.ops import Operation

STEPS = (2.0**-200, 2.0**-230)
SMALLEST = 2.0**-960
ROUNDING = 2.0**-40  # of a term of a sum: a few thousand operations of 2^-53 each


class OnRealParts(ast.NodeTransformer):
    """Conditions compare real parts, for complex numbers have no order."""

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        """A condition whose names stand for their real parts."""
        for part in ast.walk(node.test):
            if isinstance(part, ast.Compare):
                part.left = real(part.left)
                part.comparators = [real(other) for other in part.comparators]
        if not isinstance(node.test, ast.Compare):
            node.test = real(node.test)
        self.visit(node.body)
        self.visit(node.orelse)
        return node


def real(number: ast.expr) -> ast.expr:
    """The real part of a part of a formula."""
    return ast.Attribute(number, "real", ast.Load())


COMPLEX = Reader(
    {
        **vars(cmath),
        "log1p": lambda z: cmath.log(1.0 + z),
        "expm1": lambda z: cmath.exp(z) - 1.0,
        # A negative base has a whole exponent; its logarithm would bring in multiples of pi.
        "pow": lambda x, y: x**y if x.real >= 0.0 else (-x) ** y * (-1.0) ** y.real,
        "abs": lambda z: z if z.real >= 0.0 else -z,
    }
)
"""Formulas read with complex numbers."""

OWN = frozenset(COMPLEX.meanings)


def complex_step(output: Value, leaf: Value) -> Difference | None:
    """The derivative of an output by a leaf, or None where formulas or numbers do not allow it.

    Its error is that of rounding, in sums whose terms cancel.

    >>> from tinygrad_lin import exp
    >>> x = Value(1.0)
    >>> complex_step(exp(x) * x, x).value == 2 * exp(1.0)
    True
    """
    # A step must be tiny beside the numbers of the function: those are of the size of x, or of 1.
    for size in dict.fromkeys((min(abs(leaf.data), 1.0) or 1.0, 1.0)):
        coarse, fine = (slope(output, leaf, size * step) for step in STEPS)
        if coarse and fine:
            apart = abs(coarse.value - fine.value)
            if apart <= 1e-12 * max(abs(fine.value), min(fine.error, 1.0)):
                return coarse
    return None


def slope(output: Value, leaf: Value, step: float) -> Difference | None:
    """The derivative by one step, None where it cannot be read or the step is no normal float."""
    if step < SMALLEST:
        return None
    moved: dict[Value, complex] = {leaf: complex(leaf.data, step)}
    sizes: dict[Value, float] = {leaf: 1.0}  # of the derivatives, if no terms cancelled
    lost: dict[Value, float] = {}  # of the derivatives, where they fell below the floats
    for node in topological_order(output):
        operation = node.operation
        if operation is None or not any(operand in moved for operand in node.inputs):
            continue
        operands = [
            moved.get(operand, operand.data) if isinstance(operand, Value) else operand
            for operand in node.operands
        ]
        try:
            result = reading(operation)(*operation.grouped(operands))
        except (NameError, TypeError, ValueError, ArithmeticError):
            return None
        # The real part is the node's own: formulas such as log(1 + z) lose digits of it.
        moved[node] = complex(node.data, result.imag)
        edges = [(operand, abs(local)) for operand, local in zip(node.inputs, node.partials)]
        size = sizes[node] = sum(local * sizes.get(operand, 0.0) for operand, local in edges)
        gone = sum(local * lost.get(operand, 0.0) for operand, local in edges)
        if step * size < SMALLEST:
            gone += size
        if gone:
            lost[node] = gone
    if output not in moved:
        return Difference(0.0, 0.0, step)
    error = ROUNDING * sizes[output] + lost.get(output, 0.0)
    return Difference(moved[output].imag / step, error, step)


_readings: dict[Operation, Callable[..., Any]] = {}


def reading(operation: Operation) -> Callable[..., Any]:
    """The formula of a row as a function of complex numbers, also for other rows' formulas."""
    if operation not in _readings:
        formula = operation.formula
        if operation.variadic:
            formula = over_sequences(operation)[0]
        tree = OnRealParts().visit(expression_of(formula))
        for name in {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}:
            if name in TABLE and name not in OWN and name != operation.name:
                COMPLEX.meanings[name] = reading(TABLE[name])
        names = ", ".join(operation.parameters)
        _readings[operation] = COMPLEX(ast.unparse(ast.fix_missing_locations(tree)), names)
    return _readings[operation]
