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
    """All rows, each as a row of Markdown."""
    lines = [HEADINGS, ("---",) * len(HEADINGS), *map(cells, TABLE.values())]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cells(row: Operation) -> tuple[str, ...]:
    """What stands in a row: name, sign, value, local derivatives, domain and smoothness."""
    names = [name.lstrip("*") for name in row.operands]
    slopes = [
        rf"$\frac{{\partial \mathit{{out}}}}{{\partial {letter(name)}}} = {tex(partial, row)}$"
        for name, partial in zip(names, row.partials)
    ]
    return (
        f"`{row.name}`",
        row.sign.replace("|", r"\|"),
        f"${tex(row.formula, row)}$".replace("|", r"\vert "),
        "<br>".join(slopes),
        where(row.defined),
        where(row.smooth),
    )


def tex(formula: str, row: Operation) -> str:
    """A formula in TeX, its cases one below the other."""
    cases: list[str] = []
    tree = ast.parse(formula, mode="eval").body
    while isinstance(tree, ast.IfExp):
        cases.append(rf"{written(tree.body, row)} & {condition(tree.test)}")
        tree = tree.orelse
    last = written(tree, row)
    if not cases:
        return last
    lines = r" \\ ".join([*cases, rf"{last} & \text{{else}}"])
    return rf"\begin{{cases}} {lines} \end{{cases}}"


def written(tree: ast.expr, row: Operation) -> str:
    """One case of a formula in TeX, by the reader that writes the steps."""
    read = symbols_reader(TexSymbol)
    read.meanings["sum"] = Sum()
    names = [*(name.lstrip("*") for name in row.operands), "out"]
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
