"""The table of derivatives, like the page at the back of a calculus book.

A row is all there is to know about one operation, and adding an operation is adding a row. The
engine, higher derivatives, drawings, programs and tests read these rows; nothing else in the
package lists the operations. (`operation.py` says what each column means.)

Formulas are written once, in a tiny vocabulary: the names of the operands, ``out`` for the result
of the operation, numbers, ``+ - * / %`` and unary minus, functions, and ``a if condition else b``.
A condition is a comparison with ``< <= > >=``, or a bare ``x``, which holds unless x is 0. The
functions are those of other rows and of :mod:`math`; ``sum[...]`` adds over the operands whose name
is starred. There is no ``==`` and no ``**``: Values compare by identity, and ``pow`` is a row. (The
predicates ``defined`` and ``smooth`` are read with numbers alone and may use ``==``, ``and``, ``or``.)
A reader (`formulas.py`) gives these names a meaning: floats, Values, complex numbers, arrays.
"""

from __future__ import annotations

from tinygrad_lin.operation import Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

# fmt: off
_ROWS = (
    #          name        formula        local derivatives       sign      TeX
    Operation("add",      "x + y",       ("1.0", "1.0"),         "+",      "{x} + {y}", special="__add__"),
    Operation("sub",      "x - y",       ("1.0", "-1.0"),        "−",      "{x} - {y}", special="__sub__",
              ufunc="subtract"),
    Operation("mul",      "x * y",       ("y", "x"),             "×",      r"{x} \cdot {y}", special="__mul__",
              ufunc="multiply"),
    Operation("div",      "x / y",       ("1.0 / y", "-out / y"), "÷",     r"\frac{{{x}}}{{{y}}}",
              special="__truediv__", ufunc="divide",
              defined="abs(y) > 0", smooth="y < 0 or y > 0", draw=((-10.0, 10.0), (0.1, 10.0))),
    Operation("mod",      "x % y",       ("1.0", "(out - x) / y if abs(out - x) < inf else "
                                          "1.0 if abs(y) >= inf else out / y - x / y"),
                                                                 "mod",    r"{x} \bmod {y}",
              special="__mod__", ufunc="remainder", defined="abs(y) > 0", draw=((7.1, 8.0), (2.7, 3.5)),
              smooth="(x % y if y else 0.0) > 0 or (x % y if y else 0.0) < 0",
              branch="floor((x - x % y) / y + 0.5)"),
    Operation("neg",      "-x",          ("-1.0",),              "−",      "-{x}", special="__neg__",
              ufunc="negative"),
    # 0 ** 0 is 1 and does not depend on the base; 0 ** y is 0 and does not depend on the exponent.
    Operation("pow",      "pow(x, y)",   ("y * pow(x, y - 1.0) if y else y * out / x if x else 0.0",
                                          "out * log(x) if x else 0.0"),
                                                                 "xʸ",     "{x}^{{{y}}}", special="__pow__",
              defined="x > 0 or x >= 0 and y >= 0 or y % 1 == 0 and abs(x) > 0",
              smooth="y % 1 == 0 <= y or x < 0 or x > 0", draw=((0.1, 10.0), (-3.0, 3.0))),
    # exp of a larger x overflows a float.
    Operation("exp",      "exp(x)",      ("out",),               "exp",    "e^{{{x}}}",
              defined="x <= 709.782712893384", draw=((-10.0, 10.0),)),
    Operation("log",      "log(x)",      ("1.0 / x",),           "ln",     r"\ln {x}",
              defined="x > 0", draw=((0.01, 100.0),)),
    Operation("log1p",    "log1p(x)",    ("1.0 / (1.0 + x)",),   "ln(1+x)", r"\ln(1 + {x})",
              defined="x > -1", draw=((-0.9, 100.0),)),
    Operation("expm1",    "expm1(x)",    ("exp(x)",),            "exp−1",  "e^{{{x}}} - 1",
              defined="x <= 709.782712893384", draw=((-10.0, 10.0),)),
    Operation("sqrt",     "sqrt(x)",     ("0.5 / out",),         "√",      r"\sqrt{{{x}}}",
              defined="x >= 0", smooth="x > 0", draw=((0.01, 100.0),)),
    Operation("sin",      "sin(x)",      ("cos(x)",),            "sin",    r"\sin {x}", defined="abs(x) < inf"),
    Operation("cos",      "cos(x)",      ("-sin(x)",),           "cos",    r"\cos {x}", defined="abs(x) < inf"),
    Operation("tan",      "tan(x)",      ("1.0 + out * out",),   "tan",    r"\tan {x}", defined="abs(x) < inf",
              draw=((-1.5, 1.5),)),
    Operation("tanh",     "tanh(x)",     ("1.0 - out * out",),   "tanh",   r"\tanh {x}", draw=((-4.0, 4.0),)),
    Operation("atan",     "atan(x)",     ("1.0 / (1.0 + x * x)",), "atan", r"\arctan {x}"),
    # The sigmoid from whichever side its exponential cannot overflow.
    Operation("sigmoid",  "1.0 / (1.0 + exp(-x)) if x >= 0.0 else exp(x) / (1.0 + exp(x))",
                                         ("out * sigmoid(-x)",), "σ",      r"\sigma({x})"),
    Operation("softplus", "x + log1p(exp(-x)) if x > 0.0 else log1p(exp(x))",
                                         ("sigmoid(x)",),        "softplus", r"\ln(1 + e^{{{x}}})"),
    # x + y carries a NaN through. At a kink, the derivative of relu and abs is 0, and a tie of maximum or minimum gives half to each.
    Operation("relu",     "0.0 if x <= 0.0 else x", ("0.0 if x <= 0.0 else 1.0",), "relu",
              r"\max(0, {x})", smooth="x < 0 or x > 0"),
    Operation("abs",      "abs(x)",      ("1.0 if x > 0.0 else -1.0 if x < 0.0 else 0.0",), "|x|",
              r"\left|{x}\right|", ufunc="absolute", smooth="x < 0 or x > 0"),
    Operation("minimum",  "x if x < y else y if y <= x else x + y",
              ("0.0 if x > y else 1.0 if x < y else 0.5",
               "0.0 if y > x else 1.0 if y < x else 0.5"),       "min",    r"\min({x}, {y})",
              smooth="x < y or x > y", folds=True),
    Operation("maximum",  "x if x > y else y if y >= x else x + y",
              ("0.0 if x < y else 1.0 if x > y else 0.5",
               "0.0 if y < x else 1.0 if y > x else 0.5"),       "max",    r"\max({x}, {y})",
              smooth="x < y or x > y", folds=True),
    Operation("dot",      "sum[x * y] + bias", ("y", "x", "1.0"), "x·y",   r"\sum {x} {y} + {bias}",
              operands=("*x", "*y", "bias")),
    Operation("total",    "sum[x]",      ("1.0",),               "Σ",      r"\sum {x}", operands=("*x",)),
)
# fmt: on


class Table(dict[str, Operation]):
    """Operations by name. Loops see it as it is when they begin: another thread may add a row."""

    def __iter__(self) -> Iterator[str]:
        return iter(list(super().keys()))

    def values(self) -> list[Operation]:  # type: ignore[override]
        """The rows."""
        return list(super().values())

    def items(self) -> list[tuple[str, Operation]]:  # type: ignore[override]
        """Names and rows."""
        return list(super().items())


TABLE = Table({operation.name: operation for operation in _ROWS})
"""The rows by name, the user's own included (see :func:`tinygrad_lin.add_operation`)."""


class Functions(dict[str, "Callable[..., Any]"]):
    """Functions by name, some of which are made when they are first asked for."""

    def __init__(self) -> None:
        self.makers: dict[str, Callable[[], Callable[..., Any]]] = {}

    def __missing__(self, name: str) -> Callable[..., Any]:
        return self.makers[name]()


FUNCTIONS = Functions()
"""Every row as a function of Values and numbers, by name; `value.py` makes them."""
