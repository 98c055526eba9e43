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

    from tinygrad_lin._operations import *  # noqa: F403
    from tinygrad_lin.check.gradients import check_gradients
    from tinygrad_lin.check.property_tests import check_everywhere
    from tinygrad_lin.compiler.program import Program, compile_graph
    from tinygrad_lin.derivatives import gradients
    from tinygrad_lin.forward import jvp
    from tinygrad_lin.nn.data import Data, load, read_csv, read_csv_batches
    from tinygrad_lin.nn.linear import Linear, Module
    from tinygrad_lin.nn.losses import binary_cross_entropy, half_mse, hinge, mse
    from tinygrad_lin.nn.mlp import MLP
    from tinygrad_lin.nn.optim import SGD, Adam, Momentum, Newton, Optimizer, learning_rate_limit
    from tinygrad_lin.nn.rates import Sweep, sweep
    from tinygrad_lin.nn.training import History, fit
    from tinygrad_lin.registry import add_operation
    from tinygrad_lin.transforms import grad, hessian, value_and_grad
    from tinygrad_lin.viz.chain_rule.explanation import explain
    from tinygrad_lin.viz.chain_rule.steps import Step, Steps, steps
    from tinygrad_lin.viz.drawing.digraph import Drawing
    from tinygrad_lin.viz.drawing.draw import draw
    from tinygrad_lin.viz.webpage.page import page

# What needs NumPy, Graphviz or another library, and what few programs need, is imported when it is
# first asked for.
_LATE = {
    "__version__": "_version",
    "Adam": "nn.optim",
    "Data": "nn.data",
    "Drawing": "viz",
    "History": "nn.training",
    "Linear": "nn.linear",
    "MLP": "nn.mlp",
    "Module": "nn.linear",
    "Momentum": "nn.optim",
    "Newton": "nn.optim",
    "Optimizer": "nn.optim",
    "SGD": "nn.optim",
    "binary_cross_entropy": "nn.losses",
    "Program": "compiler.program",
    "check_everywhere": "check.property_tests",
    "Step": "viz",
    "Sweep": "nn.rates",
    "Steps": "viz",
    "check_gradients": "check.gradients",
    "compile_graph": "compiler.program",
    "draw": "viz",
    "explain": "viz",
    "add_operation": "registry",
    "fit": "nn.training",
    "grad": "transforms",
    "gradients": "derivatives",
    "half_mse": "nn.losses",
    "hessian": "transforms",
    "hinge": "nn.losses",
    "jvp": "forward",
    "learning_rate_limit": "nn.optim",
    "load": "nn.data",
    "mse": "nn.losses",
    "page": "viz",
    "read_csv": "nn.data",
    "read_csv_batches": "nn.data",
    "steps": "viz",
    "sweep": "nn.rates",
    "value_and_grad": "transforms",
}
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
