"""The table of derivatives as Markdown, written from the rows of tinygrad_lin/ops.py."""

from __future__ import annotations

import ast
import re
from typing import Any

from tinygrad_lin.operation import Operation
from tinygrad_lin.ops import TABLE
from tinygrad_lin.viz.notation.tex import TexSymbol
from tinygrad_lin.viz.notation.text import PRODUCT, symbols_reader

HEADINGS = ("name", "sign", "value", "local derivatives", "defined", "smooth")
COMPARISONS = {"<=": r"\le", ">=": r"\ge"}


class Sum:
    """What sum[...] of a formula is in TeX."""

    def __getitem__(self, summand: TexSymbol) -> TexSymbol:
        return TexSymbol(0.0, rf"\sum {summand.text}", PRODUCT)


def table() -> str:
    """All operations, one in each line of Markdown."""
    lines = [HEADINGS, ("---",) * len(HEADINGS), *map(cells, TABLE.values())]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cells(operation: Operation) -> tuple[str, ...]:
    """What the table says of an operation: name, sign, value, derivatives, domain, smoothness."""
    names = [name.lstrip("*") for name in operation.operands]
    derivatives = [
        rf"$\frac{{\partial \mathit{{out}}}}{{\partial {letter(x)}}} = {tex(partial, operation)}$"
        for x, partial in zip(names, operation.partials)
    ]
    return (
        f"`{operation.name}`",
        operation.sign.replace("|", r"\|"),
        f"${tex(operation.formula, operation)}$".replace("|", r"\vert "),
        "<br>".join(derivatives),
        where(operation.defined),
        where(operation.smooth),
    )


def tex(formula: str, operation: Operation) -> str:
    """A formula in TeX, its cases one below the other."""
    cases: list[str] = []
    tree = ast.parse(formula, mode="eval").body
    while isinstance(tree, ast.IfExp):
        cases.append(rf"{written(tree.body, operation)} & {condition(tree.test)}")
        tree = tree.orelse
    last = written(tree, operation)
    if not cases:
        return last
    lines = r" \\ ".join([*cases, rf"{last} & \text{{else}}"])
    return rf"\begin{{cases}} {lines} \end{{cases}}"


def written(tree: ast.expr, operation: Operation) -> str:
    """One case of a formula in TeX, by the reader that writes the steps."""
    read = symbols_reader(TexSymbol)
    read.meanings["sum"] = Sum()
    names = [*(name.lstrip("*") for name in operation.operands), "out"]
    found: Any = read(ast.unparse(tree), ", ".join(names))(
        *(TexSymbol(1.0, letter(n)) for n in names)
    )
    return found.text if isinstance(found, TexSymbol) else TexSymbol.number(found).text


def letter(name: str) -> str:
    """A name in TeX, a word being no product of letters."""
    return rf"\mathit{{{name}}}" if len(name) > 1 else name


def condition(tree: ast.expr) -> str:
    """When a case holds, in TeX."""
    if isinstance(tree, ast.Name):
        return rf"\text{{if }} {tree.id} \ne 0"
    words = re.sub(r"\.0\b", "", ast.unparse(tree)).split()
    return r"\text{if } " + " ".join(COMPARISONS.get(word, word) for word in words)


def where(predicate: str) -> str:
    """A predicate as the errors write it."""
    return f"`{predicate}`" if predicate else "everywhere"
