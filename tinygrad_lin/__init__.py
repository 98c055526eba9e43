"""A scalar autodiff engine that a person can read in an afternoon, see at work, and trust.

>>> from tinygrad_lin import Value
>>> w, x, b = Value(2.0, "w"), Value(3.0, "x"), Value(1.0, "b")
>>> a = w * x + b
>>> a.backward()
>>> w.grad, x.grad, b.grad
(3.0, 2.0, 1.0)
"""

from __future__ import annotations

from tinygrad_lin._version import __version__ as __version__
from tinygrad_lin.errors import (
    DataError,
    DivergedError,
    DomainError,
    ExpressionError,
    GradientMismatch,
    OperandError,
    TinygradError,
)
from tinygrad_lin.graph import first_nonfinite, no_gc, topological_order
from tinygrad_lin.ops import FUNCTIONS, TABLE
from tinygrad_lin.scopes import scope
from tinygrad_lin.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tinygrad_lin import check, compiler, nn, viz
    from tinygrad_lin._operations import *  # noqa: F403
    from tinygrad_lin._version import __version__
    from tinygrad_lin.check.gradients import check_gradients
    from tinygrad_lin.check.property_tests import check_everywhere
    from tinygrad_lin.compiler.program import Program, compile_graph
    from tinygrad_lin.derivatives import gradients
    from tinygrad_lin.forward import jvp
    from tinygrad_lin.nn import (
        MLP,
        SGD,
        Adam,
        Data,
        History,
        Linear,
        Module,
        Momentum,
        Newton,
        Optimizer,
        Sweep,
        binary_cross_entropy,
        fit,
        half_mse,
        hinge,
        learning_rate_limit,
        load,
        mse,
        read_csv,
        read_csv_batches,
        sweep,
    )
    from tinygrad_lin.registry import add_operation
    from tinygrad_lin.transforms import grad, hessian, value_and_grad
    from tinygrad_lin.viz import Drawing, Step, Steps, draw, explain, page, steps

# What needs NumPy, Graphviz or another library, and what few programs need, is imported when it is
# first asked for.
_LATE_NAMES = {
    "_version": "__version__",
    "check.gradients": "check_gradients",
    "check.property_tests": "check_everywhere",
    "compiler.program": "Program compile_graph",
    "derivatives": "gradients",
    "forward": "jvp",
    "nn": "MLP SGD Adam Data History Linear Module Momentum Newton Optimizer Sweep "
    "binary_cross_entropy fit half_mse hinge learning_rate_limit load mse read_csv "
    "read_csv_batches sweep",
    "registry": "add_operation",
    "transforms": "grad hessian value_and_grad",
    "viz": "Drawing Step Steps draw explain page steps",
}
_LATE = {name: module for module, names in _LATE_NAMES.items() for name in names.split()}
_FOLDERS = ("check", "compiler", "nn", "viz")

__all__ = [
    "MLP",
    "SGD",
    "TABLE",
    "Adam",
    "Data",
    "DataError",
    "DivergedError",
    "DomainError",
    "Drawing",
    "ExpressionError",
    "GradientMismatch",
    "History",
    "Linear",
    "Module",
    "Momentum",
    "Newton",
    "OperandError",
    "Optimizer",
    "Program",
    "Step",
    "Steps",
    "Sweep",
    "TinygradError",
    "Value",
    "add_operation",
    "binary_cross_entropy",
    "check_everywhere",
    "check_gradients",
    "compile_graph",
    "draw",
    "explain",
    "first_nonfinite",
    "fit",
    "grad",
    "gradients",
    "half_mse",
    "hessian",
    "hinge",
    "jvp",
    "learning_rate_limit",
    "load",
    "mse",
    "no_gc",
    "page",
    "read_csv",
    "read_csv_batches",
    "scope",
    "steps",
    "sweep",
    "topological_order",
    "value_and_grad",
]
__all__ += [name for name, operation in TABLE.items() if not operation.special]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _LATE:
        value = getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
    elif name in _FOLDERS:
        return import_module(f"{__name__}.{name}")
    elif name in __all__:
        value = FUNCTIONS[name]  # compiled when it is first used
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_FOLDERS})


def _show_in_notebook(value: Value, **_: Any) -> dict[str, Any]:
    """What a notebook shows of a Value: its graph."""
    from tinygrad_lin.viz.drawing.draw import mimebundle

    return mimebundle(value)


Value._repr_mimebundle_ = _show_in_notebook  # type: ignore[assignment, method-assign]
