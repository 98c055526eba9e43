"""Derivatives by a complex step: f(x + ih) has the imaginary part h·f'(x), and nothing cancels.

So h can be tiny, and the derivative is exact to rounding. It is computed from the formulas of the
table alone, not from the local derivatives. A formula that complex numbers cannot be put into, such
as one with a function that only :mod:`math` has, gives no derivative.

J. R. R. A. Martins, P. Sturdza, J. J. Alonso, ACM Transactions on Mathematical Software 29 (2003)
245-262.
"""

from __future__ import annotations

import ast
import cmath
from functools import cache
from typing import TYPE_CHECKING, Any

from tinygrad_lin._parsing import parse_expression
from tinygrad_lin.check.numeric.differences import NumericalDerivative
from tinygrad_lin.formulas import Reader, expand_sums
from tinygrad_lin.graph import topological_order
from tinygrad_lin.ops import TABLE
from tinygrad_lin.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinygrad_lin.operation import Operation

STEPS = (2.0**-200, 2.0**-230)
MIN_STEP = 2.0**-960
ROUNDING = 2.0**-40
"""The relative error of a term of a sum: a few thousand operations with 2^-53 each."""


class CompareRealParts(ast.NodeTransformer):
    """Makes conditions compare real parts, and remainders divide them: there is no order."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """Replace x % y by a call."""
        self.generic_visit(node)
        if not isinstance(node.op, ast.Mod):
            return node
        return ast.Call(ast.Name("modulo", ast.Load()), [node.left, node.right], [])

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        """Replace the numbers that a condition compares by their real parts."""
        for part in ast.walk(node.test):
            if isinstance(part, ast.Compare):
                part.left = real_part(part.left)
                part.comparators = [real_part(other) for other in part.comparators]
        if not isinstance(node.test, ast.Compare):
            node.test = real_part(node.test)
        self.visit(node.body)
        self.visit(node.orelse)
        return node


def real_part(number: ast.expr) -> ast.expr:
    """The real part of an expression, as an expression."""
    return ast.Attribute(number, "real", ast.Load())


COMPLEX = Reader(
    {
        **vars(cmath),
        "log1p": lambda z: cmath.log(1.0 + z),
        "expm1": lambda z: cmath.exp(z) - 1.0,
        # A negative base has a whole exponent; its logarithm would bring in multiples of pi.
        "pow": lambda x, y: x**y if x.real >= 0.0 else (-x) ** y * (-1.0) ** y.real,
        "abs": lambda z: z if z.real >= 0.0 else -z,
        "modulo": lambda x, y: x - y * round((x.real - x.real % y.real) / y.real),
    }
)
"""Formulas read with complex numbers."""

COMPLEX_NAMES = frozenset(COMPLEX.meanings)


def complex_step_derivative(output: Value, leaf: Value) -> NumericalDerivative | None:
    """The derivative of an output with respect to a leaf; None where it cannot be computed so.

    Its error is what rounding leaves of sums whose terms cancel.

    >>> from tinygrad_lin import exp
    >>> x = Value(1.0)
    >>> complex_step_derivative(exp(x) * x, x).value == 2 * exp(1.0)
    True
    """
    # A step must be tiny beside the numbers of the function, which are of the size of x or of 1.
    for size in dict.fromkeys((min(abs(leaf.data), 1.0) or 1.0, 1.0)):
        coarse, fine = (single_step(output, leaf, size * step) for step in STEPS)
        if coarse and fine:
            distance = abs(coarse.value - fine.value)
            if distance <= 1e-12 * max(abs(fine.value), min(fine.error, 1.0)):
                return coarse
    return None


def single_step(output: Value, leaf: Value, step: float) -> NumericalDerivative | None:
    """The derivative by one step; None where a formula does not allow it or the step is tiny."""
    if step < MIN_STEP:
        return None
    moved: dict[Value, complex] = {leaf: complex(leaf.data, step)}
    sizes: dict[Value, float] = {leaf: 1.0}  # What the derivatives would be if nothing cancelled.
    losses: dict[Value, float] = {}  # What the derivatives lost by underflow.
    for node in topological_order(output):
        operation = node.operation
        if operation is None or not any(operand in moved for operand in node.inputs):
            continue
        operands = [
            moved.get(operand, operand.data) if isinstance(operand, Value) else operand
            for operand in node.operands
        ]
        try:
            result = complex_formula(operation)(*operation.grouped(operands))
        except (NameError, TypeError, ValueError, ArithmeticError):
            return None
        # The real part is the node's own data, of which formulas such as log(1 + z) lose digits.
        moved[node] = complex(node.data, result.imag)
        edges = [(operand, abs(local)) for operand, local in zip(node.inputs, node.partials)]
        size = sizes[node] = sum(local * sizes.get(operand, 0.0) for operand, local in edges)
        loss = sum(local * losses.get(operand, 0.0) for operand, local in edges)
        if step * size < MIN_STEP:
            loss += size
        if loss:
            losses[node] = loss
    if output not in moved:
        return NumericalDerivative(0.0, 0.0, step)
    error = ROUNDING * sizes[output] + losses.get(output, 0.0)
    return NumericalDerivative(moved[output].imag / step, error, step)


@cache
def complex_formula(operation: Operation) -> Callable[..., Any]:
    """The formula of an operation, and of those that it names, as functions of complex numbers."""
    tree = CompareRealParts().visit(parse_expression(expand_sums(operation, operation.formula)))
    for name in {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}:
        if name in TABLE and name not in COMPLEX_NAMES and name != operation.name:
            COMPLEX.meanings[name] = complex_formula(TABLE[name])
    return COMPLEX(ast.unparse(tree), ", ".join(operation.parameters))
