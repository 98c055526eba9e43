"""Forward mode: from the inputs towards one output, the derivative along one direction.

Every node's tangent is the sum over its operands of the local derivative times the operand's
tangent. The local derivatives are Values, so the result is a graph and can be differentiated again.
"""

from __future__ import annotations

from tinygrad_lin._operands import to_float
from tinygrad_lin.derivatives import as_value, local_derivatives, multiply, require_values
from tinygrad_lin.errors import DataError
from tinygrad_lin.graph import topological_order
from tinygrad_lin.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinygrad_lin._operands import Number


def jvp(output: Value, inputs: Sequence[Value], tangents: Sequence[Value | Number]) -> Value:
    """The derivative of the output when the inputs move along the tangents.

    That is the Jacobian times the vector of tangents. As in :func:`tinygrad_lin.gradients`, the
    inputs may be inner nodes and the walk ends at them.

    Raises:
        DataError: there are not as many tangents as inputs.
        OperandError: the output or an input is not a Value.

    >>> from tinygrad_lin import Value
    >>> x, y = Value(3.0, "x"), Value(2.0, "y")
    >>> jvp(x * y, [x, y], [1.0, 10.0]).data
    32.0
    """
    inputs, tangents = require_values(output, inputs), list(tangents)
    if len(inputs) != len(tangents):
        raise DataError(f"{len(inputs)} inputs need as many tangents, not {len(tangents)}")
    tangent_of: dict[Value, Value | float] = {}
    for x, given in zip(inputs, tangents):
        tangent = given if isinstance(given, Value) else to_float(given)
        tangent_of[x] = tangent_of[x] + tangent if x in tangent_of else tangent
    ends = len(tangent_of)
    for node in topological_order(output, stop=inputs)[ends:]:
        for operand, local in zip(node.inputs, local_derivatives(node)):
            if operand in tangent_of:
                share = multiply(tangent_of[operand], local)
                tangent_of[node] = tangent_of[node] + share if node in tangent_of else share
    return as_value(tangent_of.get(output, 0.0))
