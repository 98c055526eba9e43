"""A graph as a drawing: data and gradient in every node, the local derivative on every edge."""

from __future__ import annotations

import html
import math
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import graphviz

from tinygrad_lin.errors import DataError, OperandError, printable, shown
from tinygrad_lin.files import write_whole
from tinygrad_lin.graph import topological_order
from tinygrad_lin.value import Value
from tinygrad_lin.viz.fold import Box, Plan, folded, unfolded, without_numbers
from tinygrad_lin.viz.render import in_process
from tinygrad_lin.viz.themes import PRINT, THEMES, Theme, follow_the_viewer
from tinygrad_lin.viz.trace import chains, count_paths

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    class Digraph:
        """That of graphviz, which comes without types."""

        pipe: Any

        def __init__(self, *given: Any, **named: Any) -> None: ...
        def __getattr__(self, name: str) -> Any: ...
else:
    from graphviz import Digraph

FONT = "DejaVu Sans,Verdana,sans-serif"
SUFFIXES = ("svg", "png", "pdf", "dot", "gv")
LONGEST_LABEL = 40
SHOWN = ("data", "grad", "local")
MANY_BOXES = 300  # Graphviz takes seconds for these, and minutes for two thousand
MOST_CONSTANTS = 3  # of one operation
MOST_FRAMES = 20  # around a node; of scopes in more scopes the outer ones are framed
MOST_PATHS = 5  # that are written out


class Drawing(Digraph):
    """A drawn graph: a ``graphviz.Digraph`` that needs no ``dot`` binary.

    It shows itself in a notebook; ``pipe``, ``render`` and :meth:`write` make files.
    """

    theme = "light"
    boxes = 0

    def pipe(
        self,
        format: str | None = None,
        *args: Any,
        engine: str | None = None,
        encoding: str | None = None,
        **options: Any,
    ) -> Any:
        """The drawing in a format such as "svg", as bytes, or as a str if an encoding is given."""
        if args or options:  # renderer, formatter, ...: a matter of the dot binary
            return super().pipe(format, *args, engine=engine, encoding=encoding, **options)
        if self.boxes > MANY_BOXES:
            warnings.warn(
                f"the layout of {self.boxes:,} boxes takes Graphviz "
                f"{'many minutes' if self.boxes > 1500 else 'a while'}; "
                'draw(value, fold="auto") folds what is alike',
                UserWarning,
                stacklevel=2,
            )
        content = in_process(self.source, format or self.format, engine or self.engine)
        if content is None:
            try:
                return super().pipe(format, engine=engine, encoding=encoding)
            except graphviz.ExecutableNotFound:
                raise OSError(
                    "no Graphviz to draw with: install pygraphviz (pip install pygraphviz), "
                    "or Graphviz itself (apt install graphviz, brew install graphviz)"
                ) from None
        if self.theme == "auto" and (format or self.format) == "svg":
            content = follow_the_viewer(content)
        return content.decode(encoding) if encoding else content

    def render(
        self,
        filename: str | os.PathLike[str] | None = None,
        directory: str | os.PathLike[str] | None = None,
        view: bool = False,
        cleanup: bool = False,
        format: str | None = None,
        *args: Any,
        outfile: str | os.PathLike[str] | None = None,
        engine: str | None = None,
        **options: Any,
    ) -> str:
        """Save the DOT source and the drawing beside it; gives the drawing's path.

        As in the graphviz package: ``render("line")`` writes ``line`` and ``line.svg``, for svg
        is the format of what :func:`draw` gives.
        """
        format = format or (Path(outfile).suffix[1:] if outfile else self.format)
        content = self.pipe(format, *args, engine=engine, **options)
        if outfile and not filename:
            filename = Path(outfile).with_suffix(".gv")
        saved = Path(self.save(filename, directory=directory))
        target = Path(outfile) if outfile else saved.with_name(f"{saved.name}.{format}")
        write_whole(target, content)
        if cleanup:
            saved.unlink()
        if view:
            graphviz.view(str(target))
        return str(target)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the drawing to a file whose suffix is .svg, .png, .pdf or .dot.

        Raises:
            DataError: the suffix is none of these.
            OSError: the file cannot be written.
        """
        suffix = Path(path).suffix.lower()[1:]
        if suffix not in SUFFIXES:
            raise DataError(f"cannot draw to {str(path)!r}: the suffix must be one of {SUFFIXES}")
        write_whole(path, self.source.encode() if suffix in ("dot", "gv") else self.pipe(suffix))


def draw(
    value: Value,
    *,
    direction: str = "LR",
    precision: int = 4,
    show: Sequence[str] = SHOWN,
    theme: str = "light",
    fold: str | None = "auto",
    title: str | None = None,
    legend: bool = False,
    path: Value | None = None,
) -> Drawing:
    """Draw the graph below a Value.

    Every node shows its label, data and gradient, every edge the local derivative: the gradient of
    an operand is the sum over its edges of the gradient at the other end times the number on the
    edge. Leaves are rounded, constants stand beside the sign. A blue gradient is positive, an
    orange one negative. Scopes are frames around their nodes.

    Args:
        value: the root, for instance a cost after ``cost.backward()``.
        direction: where the drawing grows to: LR, RL, TB or BT.
        precision: how many significant digits the numbers have.
        show: which of "data", "grad" and "local".
        theme: "light", "dark", "print" for paper, or "auto": an SVG that follows its viewer.
        fold: "auto" draws what is alike once, with a count, where the graph has more than 60 nodes;
            None draws every node.
        title: a line of text above the drawing.
        legend: whether to explain the drawing in a corner.
        path: a Value below the root; the paths to it are marked and, up to 5, written out.

    Raises:
        OperandError: the root or the end of a path is not a Value.
        DataError: a setting that does not exist, or no path leads there.

    >>> w, x = Value(2.0, "w"), Value(3.0, "x")
    >>> drawing = draw(w * x)
    >>> drawing.pipe("svg")[:5]
    b'<?xml'
    """
    if not isinstance(value, Value):
        raise OperandError(f"draw() takes a Value, not {type(value).__name__} {shown(value)}")
    if direction not in ("LR", "RL", "TB", "BT"):
        raise DataError(f"direction must be LR, RL, TB or BT, not {direction!r}")
    if not isinstance(precision, int) or not 1 <= precision <= 17:
        raise DataError(f"precision must be a whole number from 1 to 17, not {precision!r}")
    if unknown := [entry for entry in show if entry not in SHOWN]:
        raise DataError(f"show takes {', '.join(SHOWN)}, not {unknown[0]!r}")
    if theme not in THEMES:
        raise DataError(f"theme must be one of {', '.join(THEMES)}, not {theme!r}")
    if fold not in ("auto", None):
        raise DataError(f'fold must be "auto" or None, not {fold!r}')
    order = topological_order(value)
    plan = folded(order) if fold else unfolded(order)
    marked: dict[Value, int] = {}
    lines = [f"<B>{escaped(title)}</B>"] if title else []
    if path is not None:
        marked = paths_to(path, order)
        lines += [escaped(line, longest=400) for line in chains(value, path, MOST_PATHS)]
    if plan.note:
        lines.append(escaped(plan.note, longest=200))
    sketch = Sketch(plan, THEMES[theme], frozenset(show), precision, marked)
    drawing = sketch.drawing(direction, lines, legend)
    drawing.theme = theme
    return drawing


def paths_to(leaf: Value, order: Sequence[Value]) -> dict[Value, int]:
    """The nodes on the paths to a leaf."""
    if not isinstance(leaf, Value):
        raise OperandError(f"a path leads to a Value, not to {type(leaf).__name__} {shown(leaf)}")
    if leaf not in set(order):
        raise DataError(f"no path leads from {order[-1]!r} to {leaf!r}")
    return count_paths(order, leaf)


class Sketch:
    """One drawing in the making."""

    def __init__(
        self,
        plan: Plan,
        theme: Theme,
        show: frozenset[str],
        precision: int,
        marked: dict[Value, int],
    ) -> None:
        self.plan = plan
        self.theme = theme
        self.show = show
        self.precision = precision
        self.marked = marked
        gradients = (abs(node.grad) for node in plan.place)
        self.largest: float = max(filter(math.isfinite, gradients), default=0.0)

    def drawing(self, direction: str, lines: list[str], legend: bool) -> Drawing:
        """The graph with all its boxes, edges and scopes."""
        theme = self.theme
        heading = "<BR/>".join(lines)
        drawing = Drawing(
            "tinygrad_lin",
            format="svg",
            graph_attr={
                "rankdir": direction,
                "bgcolor": theme.background,
                "fontname": FONT,
                "fontcolor": theme.ink,
                "nodesep": "0.18",
                "ranksep": "0.45",
                **({"label": f"<{heading}>", "labelloc": "t", "fontsize": "13"} if heading else {}),
            },
            node_attr={
                "shape": "box",
                "style": "filled",
                "fillcolor": theme.box,
                "color": theme.ink,
                "fontname": FONT,
                "fontcolor": theme.ink,
                "fontsize": "11",
                "margin": "0.07,0.05",
            },
            edge_attr={
                "color": theme.quiet,
                "fontname": FONT,
                "fontcolor": theme.ink,
                "fontsize": "10",
                "arrowsize": "0.6",
            },
        )
        drawing.boxes = len(self.plan.boxes)
        self.put_boxes(drawing, (), list(enumerate(self.plan.boxes)))
        self.put_edges(drawing)
        if legend:
            self.put_legend(drawing)
        return drawing

    def put_boxes(
        self, drawing: Digraph, scope: tuple[str, ...], boxes: list[tuple[int, Box]]
    ) -> None:
        """The boxes of a scope, and those of the scopes within it in frames of their own."""
        inner: dict[str, list[tuple[int, Box]]] = {}
        for k, box in boxes:
            path = box.node.scope[: -1 if box.closed else None][:MOST_FRAMES]
            if len(path) > len(scope):
                inner.setdefault(path[len(scope)], []).append((k, box))
            else:
                drawing.node(f"n{k}", self.label_of(box), **self.shape_of(box))
        for name, members in inner.items():
            frame = {
                "label": f"<{escaped(name)}>",
                "labeljust": "l",
                "style": "filled,rounded",
                "fillcolor": self.theme.scope,
                "color": self.theme.quiet,
                "fontsize": "11",
            }
            with drawing.subgraph(name=f"cluster_{members[0][0]}_{len(scope)}") as cluster:
                cluster.attr(**frame)
                self.put_boxes(cluster, (*scope, name), members)

    def put_edges(self, drawing: Digraph) -> None:
        """The edges between boxes, each of them once where boxes stand for many nodes."""
        place, boxes = self.plan.place, self.plan.boxes
        drawn: set[tuple[int, int]] = set()
        for node, to in place.items():
            for operand, local in zip(node.inputs, node.partials):
                edge = place[operand], to
                if boxes[edge[0]].times > 1 or boxes[to].times > 1:
                    if edge in drawn or edge[0] == to:
                        continue
                    drawn.add(edge)
                attributes = {}
                if operand in self.marked and node in self.marked:
                    attributes = {"color": self.theme.path, "penwidth": "2.4"}
                numbered = "local" in self.show and not boxes[to].closed
                text = f" {self.number(local)} " if numbered else None
                drawing.edge(f"n{edge[0]}", f"n{to}", text, **attributes)

    def put_legend(self, drawing: Digraph) -> None:
        """What the boxes, colours and numbers mean."""
        theme = self.theme
        positive, negative = theme.positive[2], theme.negative[2]
        rows = [
            (theme.leaf, "leaf: an input or a parameter"),
            (theme.box, "operation: its sign, data and gradient"),
            (positive, "gradient above 0, stronger for larger ones"),
            (negative, "gradient below 0, stronger for larger ones"),
            (theme.background, "on an edge: the local derivative"),
        ]
        if theme is PRINT:
            rows[2:4] = [(positive, "gradient, darker for larger ones; its sign is written")]
        cells = "".join(
            f'<TR><TD BGCOLOR="{colour}" BORDER="1" WIDTH="18"></TD>'
            f'<TD ALIGN="LEFT">{text}</TD></TR>'
            for colour, text in rows
        )
        drawing.node("legend", f'<<TABLE BORDER="0" CELLSPACING="3">{cells}</TABLE>>',
                     shape="plaintext", style="", fontsize="10")  # fmt: skip

    def shape_of(self, box: Box) -> dict[str, str]:
        """How leaves, whole scopes and many nodes look apart from a single operation."""
        found: dict[str, str] = {}
        if box.closed:
            found = {"style": "filled,rounded", "fillcolor": self.theme.scope}
        elif box.node.operation is None:
            found = {"style": "filled,rounded", "fillcolor": self.theme.leaf}
        if box.times > 1:
            found["peripheries"] = "2"
        if box.node in self.marked and box.times == 1:
            found |= {"color": self.theme.path, "penwidth": "2"}
        return found

    def label_of(self, box: Box) -> str:
        """The HTML-like label of a box: its sign, name and count, data, and gradient."""
        node, count = box.node, f"<B>× {box.times:,}</B>" if box.times > 1 else ""
        if box.closed:
            text = f"<B>{escaped(node.scope[-1])}</B>"
            return f"<{text}<BR/>{box.times:,} nodes>"
        label = without_numbers(node.label) if box.times > 1 else node.label
        name = f"<B>{escaped(label)}</B>" if label else ""
        parts = [part for part in (self.operation_of(box), name, count) if part]
        rows = [" &nbsp;".join(parts)] if parts else []
        example = "e.g. " if box.times > 1 else ""
        if "data" in self.show:
            rows.append(f"{example}data {self.number(node.data)}")
        cells = "".join(f"<TR><TD>{row}</TD></TR>" for row in rows)
        if "grad" in self.show:
            tint = self.tint_of(node.grad)
            text = f"{example}grad {self.number(node.grad)}"
            cells += f'<TR><TD BGCOLOR="{tint}">{text}</TD></TR>'
        cells = cells or "<TR><TD> </TD></TR>"
        return f'<<TABLE BORDER="0" CELLSPACING="0" CELLPADDING="2">{cells}</TABLE>>'

    def operation_of(self, box: Box) -> str:
        """The sign of an operation, with the constants among its operands where they belong."""
        node, row = box.node, box.node.operation
        if row is None:
            return ""
        sign = f'<FONT POINT-SIZE="15">{escaped(row.sign)}</FONT>'
        constants = [(k, o) for k, o in enumerate(node.operands) if not isinstance(o, Value)]
        if not constants:
            return sign
        # The constants of one example of many are some of many numbers.
        texts = [self.number(o) if box.times == 1 else "…" for _, o in constants]
        shown = ", ".join(texts[:MOST_CONSTANTS] + ["…"] * (len(texts) > MOST_CONSTANTS))
        between = row.special and not any(c.isalpha() for c in row.sign)
        if not between and not row.variadic:
            shown = f"{row.operands[constants[0][0]]} = {shown}"
        shown = f'<FONT COLOR="{self.theme.quiet}">{shown}</FONT>'
        return f"{shown} {sign}" if between and constants[0][0] == 0 else f"{sign} {shown}"

    def tint_of(self, gradient: float) -> str:
        """The colour behind a gradient: its sign, and its size beside the largest one."""
        if gradient == 0.0 or math.isnan(gradient):
            return "transparent"
        size = 1.0 if math.isinf(gradient) else abs(gradient) / self.largest
        strength = 2 if size > 0.3 else 1 if size > 0.03 else 0
        return (self.theme.positive if gradient > 0.0 else self.theme.negative)[strength]

    def number(self, number: float) -> str:
        """A number in as many digits as are shown."""
        return f"{number:.{self.precision}g}"


def escaped(text: str, longest: int = LONGEST_LABEL) -> str:
    """Text for an HTML-like label, whatever is in it."""
    if len(text) > longest:
        text = text[: longest - 1] + "…"
    safe = html.escape(printable(text)).replace("\\", "&#92;&#92;")  # \N is a command there
    return safe or "&nbsp;"
