"""The memory of a program: arrays that are made once and filled in every run, and their views.

An array whose content is no longer needed lends its memory to a later one.

A matrix with a row for each row of the batch lies in memory column by column. So its columns are
packed, and one more, of ones, can lie behind them.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy

from tinygrad_lin.compiler.layers import Shape, is_matrix

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

CACHE_LINE = 64  # bytes


class Array(NamedTuple):
    """What an expression gives.

    Attributes:
        text: its name, or for a number the expression itself.
        shape: the length of each axis.
        lasting: whether it is the same memory in every run.
        packed: whether its numbers follow each other in memory, in the order of its kind.
    """

    text: str
    shape: Shape
    lasting: bool = False
    packed: bool = False


class Memory:
    """The arrays of one program, each by its name.

    Args:
        beside_ones: the matrices that have a column of ones behind their last.
    """

    def __init__(self, beside_ones: set[str]) -> None:
        self.beside_ones = beside_ones
        self.arrays: dict[str, tuple[Shape, str]] = {}  # shape and kind of number
        self.constants: dict[str, str] = {}  # what else is made once, by its text
        self.views: dict[str, str] = {}
        self.matrices: dict[str, str] = {}  # for each the array that holds it, column by column
        self.columns: dict[str, Array] = {}  # for each its transposed
        self.kept: set[str] = {"p", "gradient"}  # what is lent to no other

    def keep(self, names: list[str]) -> None:
        """Lend the memory of some arrays to no other."""
        self.kept.update([self.matrices.get(name, name) for name in names])

    def made(self, homes: dict[str, str]) -> list[str]:
        """The lines that make everything."""
        arrays = [
            f"{name} = {homes[name]}" if homes[name] != name
            else f"{name} = _{kind}({written(shape)})"
            for name, (shape, kind) in self.arrays.items()
        ]  # fmt: skip
        return arrays + [f"{name} = {text}" for text, name in (self.constants | self.views).items()]

    def place(self, shape: Shape, out: Array | str | None, kind: str = "float") -> Array:
        """Where a result goes."""
        if isinstance(out, Array) and out.shape == shape and kind == "float":
            return out
        if not isinstance(out, str) or out in self.arrays or out in self.matrices:
            out = f"_{len(self.arrays)}"
        return self.array(out, shape, kind)

    def array(self, name: str, shape: Shape, kind: str = "float") -> Array:
        """A new array."""
        if not is_matrix(shape):
            self.arrays[name] = shape, kind
            return Array(name, shape, True, True)
        _, width = shape
        assert isinstance(width, int)
        memory = self.matrices[name] = f"__{name}"
        columns = Array(memory, (width, "n"), True, True)
        if name in self.beside_ones:
            self.arrays[memory] = (width + 1, "n"), "ones"
            columns = self.view(f"{memory}[:-1]", columns, columns.shape)
        else:
            self.arrays[memory] = (width, "n"), kind
        self.columns[name] = columns
        self.views[f"{columns.text}.T"] = name
        return Array(name, shape, True, True)

    def view(self, text: str, base: Array, shape: Shape) -> Array:
        """A view: made once if that of which it is stays the same."""
        if not base.lasting:
            return Array(text, shape)
        name = self.views.setdefault(text, f"_view{len(self.views)}")
        return Array(name, shape, True)

    def turned(self, x: Array) -> Array:
        """The transposed of a matrix."""
        return self.columns.get(x.text) or self.view(f"{x.text}.T", x, x.shape[::-1])

    def ones(self, length: int | str) -> Array:
        """As many ones: a product with them is the quickest sum."""
        return Array(self.constant(f"_ones({written((length,))})"), (length,), True)

    def constant(self, text: str) -> str:
        """The name of what never changes."""
        return self.constants.setdefault(text, f"_constant{len(self.constants)}")

    def homes(self, lines: Sequence[str]) -> dict[str, str]:
        """For each array the one whose memory it takes over, or itself."""
        base = {name: name for name in self.arrays}
        for text, name in self.views.items():
            for used in names_in(text):
                if used in base:
                    base[name] = base[used]
        uses = [[base[name] for name in names_in(line) if name in base] for line in lines]
        last = {name: k for k, names in enumerate(uses) for name in names}
        homes: dict[str, str] = {}
        free: dict[tuple[Shape, str], list[str]] = {}
        for k, (line, names) in enumerate(zip(lines, uses)):
            ending = [name for name in dict.fromkeys(names) if last[name] == k]
            # What goes number by number may write over its own operands, unless they are views.
            alone = line.strip().startswith("_") and not line.strip().startswith(
                ("_dot(", "_take(")
            )
            direct = [self.matrices.get(name, name) for name in names_in(line)]
            early = [
                name for name in ending
                if alone and name in homes and name not in self.kept
                and names.count(name) == direct.count(name)
            ]  # fmt: skip
            for name in early:
                free.setdefault(self.arrays[name], []).append(homes[name])
            for name in names:
                if name not in homes:
                    spare = free.get(self.arrays[name], [])
                    homes[name] = spare.pop() if spare and name not in self.kept else name
            for name in ending:
                if name not in early and name not in self.kept:
                    free.setdefault(self.arrays[name], []).append(homes[name])
        return {name: homes.get(name, name) for name in self.arrays}


def written(shape: Shape) -> str:
    """A shape as Python writes it."""
    return f"({', '.join(map(str, shape))},)"


def names_in(text: str) -> list[str]:
    """The names in a line, in order."""
    return re.findall(r"[A-Za-z_]\w*", text)


def aligned(shape: tuple[int, ...], kind: type) -> NDArray[Any]:
    """An array that begins where a line of the processor's cache does: that is quicker."""
    size = math.prod(shape) * numpy.dtype(kind).itemsize
    memory = numpy.empty(size + CACHE_LINE, numpy.uint8)
    first = -memory.ctypes.data % CACHE_LINE
    return memory[first : first + size].view(kind).reshape(shape)


def floats(shape: tuple[int, ...]) -> NDArray[Any]:
    """An array of numbers, whatever they are."""
    return aligned(shape, float)


def truths(shape: tuple[int, ...]) -> NDArray[Any]:
    """An array of truth values, whatever they are."""
    return aligned(shape, bool)


def ones(shape: tuple[int, ...]) -> NDArray[Any]:
    """An array of ones."""
    array = floats(shape)
    array.fill(1.0)
    return array


MAKERS: dict[str, Callable[[tuple[int, ...]], NDArray[Any]]] = {
    "_float": floats,
    "_bool": truths,
    "_ones": ones,
}
