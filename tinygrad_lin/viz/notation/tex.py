"""Numbers, formulas, names and derivatives as TeX, for amsmath, MathJax and KaTeX."""

from __future__ import annotations

import math
import re
from collections import Counter

from tinygrad_lin.operation import Operation
from tinygrad_lin.value import Value
from tinygrad_lin.viz.notation.text import Notation, Symbol


class TexSymbol(Symbol):
    """A number and how TeX writes it."""

    __slots__ = ()

    brackets = r"\left({}\right)"
    function = r"\operatorname{{{}}}"
    dots = r"\dots"

    @staticmethod
    def digits(number: float) -> str:
        """A number in the digits that are shown."""
        if math.isnan(number):
            return r"\mathrm{NaN}"
        if math.isinf(number):
            return r"\infty" if number > 0 else r"-\infty"
        digits, _, exponent = Symbol.digits(number).partition("e")
        return rf"{digits} \times 10^{{{int(exponent)}}}" if exponent else digits

    @staticmethod
    def template(operation: Operation) -> str:
        """How an operation is written, with its operands' names in braces."""
        return operation.tex


class TexNotation(Notation):
    """Writes the nodes of one graph as TeX."""

    kind: type[Symbol] = TexSymbol
    times = r" \cdot "
    added = r" \mathrel{+}= "

    def __init__(self, root: Value, names: dict[Value, str]) -> None:
        super().__init__(root, tex_names(names))

    def derivative(self, node: Value, wrt: Value) -> str:
        """The derivative of one node with respect to another."""
        return rf"\frac{{\partial {self.names[node]}}}{{\partial {self.names[wrt]}}}"


def tex_names(names: dict[Value, str]) -> dict[Value, str]:
    """The names as TeX writes them, again no two the same."""
    pretty = [tex_name(name) for name in names.values()]
    count = Counter(pretty)
    return {
        node: nice if count[nice] == 1 else tex_text(name)
        for (node, name), nice in zip(names.items(), pretty)
    }


def tex_name(name: str) -> str:
    """One letter with an index as a variable with a subscript, anything else as text."""
    ascii_digits = name.translate(str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789"))
    match = re.fullmatch(r"([A-Za-z])(?:\[([0-9,]+)\]|([0-9]*))", ascii_digits)
    if not match:
        return tex_text(name)
    index = match[2] or match[3]
    return f"{match[1]}_{{{index}}}" if index else match[1]


ESCAPES = str.maketrans(
    {
        **{c: rf"\{c}" for c in "{}$&#_%"},
        "\\": r"\textbackslash{}",
        "^": r"\textasciicircum{}",
        "~": r"\textasciitilde{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "=": "{=}",  # Displays are aligned at the first equals sign outside braces.
    }
)


def tex_text(text: str) -> str:
    """Any text at all, as text within a formula."""
    return rf"\text{{{text.translate(ESCAPES)}}}"
