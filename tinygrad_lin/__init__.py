"""A scalar autodiff engine that a person can read in an afternoon, see at work, and trust.

>>> from tinygrad_lin import Value
>>> w, x, b = Value(2.0, "w"), Value(3.0, "x"), Value(1.0, "b")
>>> a = w * x + b
>>> a.backward()
>>> w.grad, x.grad, b.grad
(3.0, 2.0, 1.0)
"""

from __future__ import annotations

from tinygrad_lin.errors import (
    DataError,
    DivergedError,
    DomainError,
    ExpressionError,
    GradientMismatch,
    OperandError,
    TinygradError,
)
from tinygrad_lin.forward import jvp
from tinygrad_lin.graph import first_nonfinite, no_gc, topological_order
from tinygrad_lin.ops import FUNCTIONS, TABLE
from tinygrad_lin.recording import add_operation
from tinygrad_lin.reverse import grad, gradients, hessian, value_and_grad
from tinygrad_lin.scopes import scope
from tinygrad_lin.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tinygrad_lin._operations import *  # noqa: F403
    from tinygrad_lin.check.everywhere import check_everywhere
    from tinygrad_lin.check.gradients import check_gradients
    from tinygrad_lin.compiler.program import Program, compile_graph
    from tinygrad_lin.nn.csv_files import read_csv, read_csv_batches
    from tinygrad_lin.nn.curvature import learning_rate_limit
    from tinygrad_lin.nn.data import Data
    from tinygrad_lin.nn.datasets import load
    from tinygrad_lin.nn.learning_rate_sweep import Sweep, sweep
    from tinygrad_lin.nn.linear import Linear
    from tinygrad_lin.nn.losses import binary_cross_entropy, half_mse, hinge, mse
    from tinygrad_lin.nn.mlp import MLP
    from tinygrad_lin.nn.modules import Module
    from tinygrad_lin.nn.optimizers import SGD, Adam, Momentum, Newton, Optimizer
    from tinygrad_lin.nn.training.fit import fit
    from tinygrad_lin.nn.training.history import History
    from tinygrad_lin.viz.dot import Drawing, draw
    from tinygrad_lin.viz.player import page
    from tinygrad_lin.viz.trace import Step, Steps, explain, steps

_FUNCTIONS = {name: FUNCTIONS[name] for name, row in TABLE.items() if not row.special}
globals().update(_FUNCTIONS)

# These rooms bring NumPy, Graphviz and others: they are opened when somebody enters.
_ROOMS = {
    "Adam": "nn.optimizers",
    "Data": "nn.data",
    "Drawing": "viz.dot",
    "History": "nn.training.history",
    "Linear": "nn.linear",
    "MLP": "nn.mlp",
    "Module": "nn.modules",
    "Momentum": "nn.optimizers",
    "Newton": "nn.optimizers",
    "Optimizer": "nn.optimizers",
    "SGD": "nn.optimizers",
    "binary_cross_entropy": "nn.losses",
    "Program": "compiler.program",
    "check_everywhere": "check.everywhere",
    "Step": "viz.trace",
    "Sweep": "nn.learning_rate_sweep",
    "Steps": "viz.trace",
    "check_gradients": "check.gradients",
    "compile_graph": "compiler.program",
    "draw": "viz.dot",
    "explain": "viz.trace",
    "fit": "nn.training.fit",
    "half_mse": "nn.losses",
    "hinge": "nn.losses",
    "learning_rate_limit": "nn.curvature",
    "load": "nn.datasets",
    "mse": "nn.losses",
    "page": "viz.player",
    "read_csv": "nn.csv_files",
    "read_csv_batches": "nn.csv_files",
    "steps": "viz.trace",
    "sweep": "nn.learning_rate_sweep",
}

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
__all__ += list(_FUNCTIONS)
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
