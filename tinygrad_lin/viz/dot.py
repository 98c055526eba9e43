"""A graph as a drawing: data and gradient in every node, the local derivative on every edge."""

from __future__ import annotations

import html
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import graphviz

from tinygrad_lin.errors import DataError, OperandError
from tinygrad_lin.files import write_whole
from tinygrad_lin.graph import topological_order
from tinygrad_lin.value import Value
from tinygrad_lin.viz.render import in_process

if TYPE_CHECKING:
    import os

FONT = "DejaVu Sans,Verdana,sans-serif"
INK = "#1f2933"
QUIET = "#6b7785"
LEAF = "#fdf6e3"
# Blue and orange stay apart for colour-blind eyes; each darker for a larger gradient.
POSITIVE = ("#e4eff8", "#c3dcf0", "#9cc5e6")
NEGATIVE = ("#fbeadd", "#f7d3b8", "#f2b88e")
SUFFIXES = ("svg", "png", "pdf", "dot", "gv")
LONGEST_LABEL = 40


class Drawing(graphviz.Digraph):  # type: ignore[misc]  # it comes without types
    """A drawn graph: a ``graphviz.Digraph`` that needs no ``dot`` binary.

    It shows itself in a notebook; ``pipe``, ``render`` and :meth:`write` make files.
    """

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
        content = in_process(self.source, format or self.format, engine or self.engine)
        if content is None:
            try:
                return super().pipe(format, engine=engine, encoding=encoding)
            except graphviz.ExecutableNotFound:
                raise OSError(
                    "no Graphviz to draw with: install pygraphviz (pip install pygraphviz), "
                    "or Graphviz itself (apt install graphviz, brew install graphviz)"
                ) from None
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
    value: Value, *, direction: str = "LR", precision: int = 4, title: str | None = None
) -> Drawing:
    """Draw the graph below a Value.

    Every node shows its label, data and gradient, every edge the local derivative: the gradient of
    an operand is the sum over its edges of the gradient at the other end times the number on the
    edge. Leaves are rounded, constants small. A blue gradient is positive, an orange one negative.

    Args:
        value: the root, for instance a cost after ``cost.backward()``.
        direction: where the drawing grows to: LR, RL, TB or BT.
        precision: how many significant digits the numbers have.
        title: a line of text above the drawing.

    Raises:
        OperandError: the root is not a Value.
        DataError: a direction or a precision that does not exist.

    >>> w, x = Value(2.0, "w"), Value(3.0, "x")
    >>> drawing = draw(w * x)
    >>> drawing.pipe("svg")[:5]
    b'<?xml'
    """
    if not isinstance(value, Value):
        raise OperandError(f"draw() takes a Value, not {type(value).__name__} {value!r:.60}")
    if direction not in ("LR", "RL", "TB", "BT"):
        raise DataError(f"direction must be LR, RL, TB or BT, not {direction!r}")
    if not isinstance(precision, int) or not 1 <= precision <= 17:
        raise DataError(f"precision must be a whole number from 1 to 17, not {precision!r}")
    drawing = Drawing(
        "tinygrad_lin",
        format="svg",
        graph_attr={
            "rankdir": direction,
            "bgcolor": "white",
            "fontname": FONT,
            "fontcolor": INK,
            "nodesep": "0.18",
            "ranksep": "0.45",
            **(
                {"label": f"<{escaped(title)}>", "labelloc": "t", "fontsize": "16"} if title else {}
            ),
        },
        node_attr={
            "shape": "box",
            "style": "filled",
            "fillcolor": "white",
            "color": INK,
            "fontname": FONT,
            "fontcolor": INK,
            "fontsize": "11",
            "margin": "0.07,0.05",
        },
        edge_attr={
            "color": QUIET,
            "fontname": FONT,
            "fontcolor": INK,
            "fontsize": "10",
            "arrowsize": "0.6",
        },
    )
    order = topological_order(value)
    names = {node: f"n{k}" for k, node in enumerate(order)}
    largest = max((abs(node.grad) for node in order if math.isfinite(node.grad)), default=0.0)

    def shown(number: float) -> str:
        return f"{number:.{precision}g}"

    for node in order:
        drawing.node(names[node], node_label(node, shown, largest), **shape_of(node))
        partials = iter(node.partials)
        for place, operand in enumerate(node.operands):
            if isinstance(operand, Value):
                drawing.edge(names[operand], names[node], f" {shown(next(partials))} ")
            else:
                constant = f"{names[node]}c{place}"
                drawing.node(constant, shown(operand), shape="plaintext", fontsize="10",
                             style="", fontcolor=QUIET, height="0.2", width="0.2")  # fmt: skip
                drawing.edge(constant, names[node], style="dashed", arrowhead="none")
    return drawing


def shape_of(node: Value) -> dict[str, str]:
    """How a leaf looks apart from an inner node."""
    return {} if node.operation else {"style": "filled,rounded", "fillcolor": LEAF}


def node_label(node: Value, shown: Any, largest: float) -> str:
    """The HTML-like label of a node: its sign and name, data, and gradient."""
    sign = node.operation.sign if node.operation else ""
    name = f"<B>{escaped(node.label)}</B>" if node.label else ""
    sign = f'<FONT POINT-SIZE="15">{escaped(sign)}</FONT>' if sign else ""
    rows = [" &nbsp;".join(filter(None, (sign, name)))] if sign or name else []
    rows.append(f"data {shown(node.data)}")
    cells = "".join(f"<TR><TD>{row}</TD></TR>" for row in rows)
    tint = tint_of(node.grad, largest)
    cells += f'<TR><TD BGCOLOR="{tint}">grad {shown(node.grad)}</TD></TR>'
    return f'<<TABLE BORDER="0" CELLSPACING="0" CELLPADDING="2">{cells}</TABLE>>'


def tint_of(gradient: float, largest: float) -> str:
    """The colour behind a gradient: its sign, and its size beside the largest one."""
    if gradient == 0.0 or math.isnan(gradient):
        return "transparent"
    size = 1.0 if math.isinf(gradient) else abs(gradient) / largest
    strength = 2 if size > 0.3 else 1 if size > 0.03 else 0
    return (POSITIVE if gradient > 0.0 else NEGATIVE)[strength]


def escaped(text: str) -> str:
    """Text for an HTML-like label, whatever is in it."""
    if len(text) > LONGEST_LABEL:
        text = text[: LONGEST_LABEL - 1] + "…"
    printable = "".join(c if c.isprintable() else " " for c in text)
    return html.escape(printable).replace("\\", "&#92;&#92;") or "&nbsp;"  # \N is a command there
