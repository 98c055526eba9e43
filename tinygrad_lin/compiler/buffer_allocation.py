"""Buffer allocation: arrays that are made once and filled in every run, and their views.

A buffer whose content is no longer needed lends its memory to a later one (liveness analysis).

A matrix with a row for each row of the batch lies in memory column by column. So its columns are
contiguous, and one more, of ones, can lie behind them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy

from tinygrad_lin.compiler.shapes import Shape, is_matrix, shape_text

CACHE_LINE = 64  # The processor's cache holds memory in lines of this many bytes.


class Array(NamedTuple):
    """An array, or a number, that an expression makes."""

    text: str  # Its name, or for a number the expression itself.
    shape: Shape
    persistent: bool = False  # Whether it is the same memory in every run.
    contiguous: bool = False  # Whether its numbers are neighbours in memory, in its usual order.


class BufferAllocator:
    """The buffers of one program, each by its name.

    Args:
        with_ones: the matrices that have a column of ones behind their last.
    """

    def __init__(self, with_ones: set[str]) -> None:
        self.with_ones = with_ones
        self.arrays: dict[str, tuple[Shape, str]] = {}  # Each buffer's shape and kind of number.
        self.constants: dict[str, str] = {}  # The names of constant arrays, by their texts.
        self.views: dict[str, str] = {}  # The names of views, by their texts.
        self.matrices: dict[str, str] = {}  # The buffer that holds a matrix, column by column.
        self.columns: dict[str, Array] = {}  # The transpose of each matrix.
        self.reserved: set[str] = {"p", "gradient"}  # These lend their memory to no other.

    def reserve(self, names: list[str]) -> None:
        """Lend the memory of some arrays to no other."""
        self.reserved.update([self.matrices.get(name, name) for name in names])

    def setup_lines(self, homes: dict[str, str]) -> list[str]:
        """The lines that make all buffers, constants and views."""
        arrays = [
            f"{name} = {homes[name]}" if homes[name] != name
            else f"{name} = _{kind}({shape_text(shape)})"
            for name, (shape, kind) in self.arrays.items()
        ]  # fmt: skip
        return arrays + [f"{name} = {text}" for text, name in (self.constants | self.views).items()]

    def destination(self, shape: Shape, out: Array | str | None, kind: str = "float") -> Array:
        """The array that a result is written to: the one that is wanted, or a new one."""
        if isinstance(out, Array) and out.shape == shape and kind == "float":
            return out
        if not isinstance(out, str) or out in self.arrays or out in self.matrices:
            out = f"_{len(self.arrays)}"
        return self.array(out, shape, kind)

    def array(self, name: str, shape: Shape, kind: str = "float") -> Array:
        """A new buffer, or a new matrix in one."""
        if not is_matrix(shape):
            self.arrays[name] = shape, kind
            return Array(name, shape, True, True)
        _, width = shape
        assert isinstance(width, int)
        memory = self.matrices[name] = f"__{name}"
        columns = Array(memory, (width, "n"), True, True)
        if name in self.with_ones:
            self.arrays[memory] = (width + 1, "n"), "ones"
            columns = self.view(f"{memory}[:-1]", columns, columns.shape)
        else:
            self.arrays[memory] = (width, "n"), kind
        self.columns[name] = columns
        self.views[f"{columns.text}.T"] = name
        return Array(name, shape, True, True)

    def view(self, text: str, base: Array, shape: Shape) -> Array:
        """A view, made once if the memory of its base stays the same."""
        if not base.persistent:
            return Array(text, shape)
        name = self.views.setdefault(text, f"_view{len(self.views)}")
        return Array(name, shape, True)

    def transposed(self, x: Array) -> Array:
        """The transpose of a matrix."""
        return self.columns.get(x.text) or self.view(f"{x.text}.T", x, x.shape[::-1])

    def ones(self, length: int | str) -> Array:
        """A vector of ones: a product with it is the quickest sum."""
        return Array(self.constant(f"_ones({shape_text((length,))})"), (length,), True)

    def constant(self, text: str) -> str:
        """The name of an array that never changes."""
        return self.constants.setdefault(text, f"_constant{len(self.constants)}")

    def share_memory(self, lines: Sequence[str]) -> dict[str, str]:
        """For each buffer the one whose memory it takes over, or itself."""
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
            # An elementwise call may write over its own operands, unless they are views.
            elementwise = line.strip().startswith("_") and not line.strip().startswith(
                ("_dot(", "_take(")
            )
            direct = [self.matrices.get(name, name) for name in names_in(line)]
            early = [
                name for name in ending
                if elementwise and name in homes and name not in self.reserved
                and names.count(name) == direct.count(name)
            ]  # fmt: skip
            for name in early:
                free.setdefault(self.arrays[name], []).append(homes[name])
            for name in names:
                if name not in homes:
                    spare = free.get(self.arrays[name], [])
                    homes[name] = spare.pop() if spare and name not in self.reserved else name
            for name in ending:
                if name not in early and name not in self.reserved:
                    free.setdefault(self.arrays[name], []).append(homes[name])
        return {name: homes.get(name, name) for name in self.arrays}


def names_in(text: str) -> list[str]:
    """The names in a line, in order."""
    return re.findall(r"[A-Za-z_]\w*", text)


def aligned_array(shape: tuple[int, ...], kind: type) -> numpy.ndarray[Any, Any]:
    """An array that begins with a line of the processor's cache, which makes it quicker."""
    size = math.prod(shape) * numpy.dtype(kind).itemsize
    memory = numpy.empty(size + CACHE_LINE, numpy.uint8)
    first = -memory.ctypes.data % CACHE_LINE
    return memory[first : first + size].view(kind).reshape(shape)


def ones(shape: tuple[int, ...]) -> numpy.ndarray[Any, Any]:
    """An array of ones."""
    array = aligned_array(shape, float)
    array.fill(1.0)
    return array


MAKERS: dict[str, Any] = {
    "_float": partial(aligned_array, kind=float),
    "_bool": partial(aligned_array, kind=bool), "_ones": ones,
}  # fmt: skip
