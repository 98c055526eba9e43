"""NumPy's functions and scalars on Values: they call the operations of the table."""

from __future__ import annotations

from operator import ge, gt, is_, is_not, le, lt

from tinygrad_lin._operands import to_float
from tinygrad_lin.errors import OperandError
from tinygrad_lin.ops import FUNCTIONS, TABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tinygrad_lin.value import Value

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "equal": is_,
    "not_equal": is_not,
    "less": lt,
    "less_equal": le,
    "greater": gt,
    "greater_equal": ge,
}
"""What NumPy's comparisons are for Values; equality goes by identity."""

_operation_of_ufunc: dict[Any, str] = {}
"""The operations that NumPy's functions have been found to be."""


def array_ufunc(self: Value, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
    """NumPy's functions, and its scalars on the left of an operator, work as our own do.

    With an array of Values they go element by element. An array of numbers is no Value.
    """
    import numpy

    if method != "__call__" or options:
        used = f".{method}" if method != "__call__" else f" with {', '.join(options)}="
        raise OperandError(
            f"numpy.{ufunc.__name__}{used} does not take a Value: call numpy.{ufunc.__name__} "
            "with the operands alone, or make an array of Values first"
        )
    kind = type(self)
    arrays = [x for x in inputs if isinstance(x, numpy.ndarray)]
    relation = COMPARISONS.get(ufunc.__name__)
    operate = relation or function_of_ufunc(ufunc)
    if relation in (is_, is_not) or any(array.dtype == object for array in arrays):
        objects = [numpy.array(x, object) if type(x) is kind else x for x in inputs]
        with numpy.errstate(all="ignore"):  # Whatever is wrong raises an error of ours.
            result = numpy.frompyfunc(operate, len(objects), 1)(*objects)
        return numpy.asarray(result, bool)[()] if relation else result
    if relation:
        return relation(*[x.data if type(x) is kind else to_float(x) for x in inputs])
    return operate(*inputs)


def function_of_ufunc(ufunc: Any) -> Callable[..., Any]:
    """The function of the operation that a function of NumPy's is.

    Raises:
        OperandError: no row of the table is that function.
    """
    if _operation_of_ufunc.get(ufunc) not in TABLE:
        import numpy

        for operation in TABLE.values():
            if getattr(numpy, operation.ufunc, None) is ufunc:
                _operation_of_ufunc[ufunc] = operation.name
                break
        else:
            name = ufunc.__name__
            raise OperandError(
                f"numpy.{name} has no derivative here; see tinygrad_lin.add_operation"
            )
    return FUNCTIONS[_operation_of_ufunc[ufunc]]
