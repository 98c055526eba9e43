"""The chain rule in order: every step of the forward and of the backward pass, in words."""

from __future__ import annotations

import html
import math
import re
from collections import Counter
from functools import cached_property
from itertools import chain, groupby, islice
from typing import TYPE_CHECKING, Any, NamedTuple

from tinygrad_lin.errors import OperandError, printable
from tinygrad_lin.graph import topological_order
from tinygrad_lin.reverse import sweep
from tinygrad_lin.value import Value
from tinygrad_lin.viz.formulas import SUM, Symbol, TexSymbol, Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rich.console import RenderableType

LONGEST_LABEL = 40
MEASURED = 1000  # rows, whose widths give the columns of a table
MOST_ROWS = 500  # in a notebook
MOST_PATHS = 5
MOST_FACTORS = 12  # of a path; more are left out in the middle
COUNTED = 10**15  # paths; beyond, there are "more than"

FORWARD = ("step", "forward")
BACKWARD = ("step", "backward", "local derivative", "sum so far")


class Step(NamedTuple):
    """One step: a node gets its value, or passes its gradient on along one edge.

    Attributes:
        phase: "forward" or "backward".
        node: the node that is computed, or that passes its gradient on.
        value: the node's data.
        operand: the input that gets a share; None in the forward pass, which has none of these.
        place: which of the node's inputs that is, counted from 0.
        upstream: the node's gradient, which is complete by then.
        local: the local derivative on the edge.
        contribution: their product, the share.
        total: the operand's gradient so far, from 0 on.
    """

    phase: str
    node: Value
    value: float
    operand: Value | None = None
    place: int = -1
    upstream: float = math.nan
    local: float = math.nan
    contribution: float = math.nan
    total: float = math.nan


def steps(value: Value) -> Steps:
    """List the forward pass, then the backward pass in the order in which ``backward()`` runs.

    Nothing is changed: gradients begin at 0 here, and every ``grad`` stays as it is. The list
    prints as a table; ``markdown()``, ``tex()`` and ``lines()`` write it in other ways.

    Raises:
        OperandError: the root is not a Value.

    >>> w, x = Value(0.5, "w"), Value(2.0, "x")
    >>> a = w * x
    >>> a.label = "a"
    >>> print(steps(a))
    step  forward
    1     w = 0.5
    2     x = 2
    3     a = w · x = 0.5 · 2 = 1
    <BLANKLINE>
    step  backward                              local derivative  sum so far
          ∂a/∂a = 1
    4     ∂a/∂w += ∂a/∂a · ∂a/∂w = 1 · 2 = 2    ∂a/∂w = x         2
    5     ∂a/∂x += ∂a/∂a · ∂a/∂x = 1 · 0.5 = 0.5  ∂a/∂x = w         0.5
    """
    check(value, "steps")
    forward = (Step("forward", node, node.data) for node in topological_order(value))
    return Steps(chain(forward, backward_steps(value)))


def check(value: object, function: str) -> None:
    """Refuse what is not a Value."""
    if not isinstance(value, Value):
        raise OperandError(f"{function}() takes a Value, not {type(value).__name__} {value!r:.60}")


def backward_steps(root: Value) -> Iterator[Step]:
    """What ``backward()`` in `reverse.py` does, without touching any ``grad``."""
    pending: Counter[Value] = Counter()
    seen = {root: None}
    todo = [root]
    for node in todo:
        for operand in node.inputs:
            pending[operand] += 1
            if operand not in seen:
                seen[operand] = None
                todo.append(operand)
    totals = dict.fromkeys(todo, 0.0)
    totals[root] = 1.0
    complete = [root]
    for node in complete:
        upstream = totals[node]
        for place, (operand, local) in enumerate(zip(node.inputs, node.partials)):
            share = upstream * local
            total = totals[operand] = totals[operand] + share
            yield Step("backward", node, node.data, operand, place, upstream, local, share, total)
            pending[operand] -= 1
            if operand.operation is not None and not pending[operand]:
                complete.append(operand)


class Steps(list[Step]):
    """The steps of a forward and a backward pass; ``print`` shows them as a table."""

    @cached_property
    def forward(self) -> list[Step]:
        """The steps of the forward pass: one for each node, operands first, the root last."""
        return [step for step in self if step.phase == "forward"]

    @cached_property
    def backward(self) -> list[Step]:
        """The steps of the backward pass: one for each edge, in the order in which it runs."""
        return [step for step in self if step.phase == "backward"]

    @cached_property
    def names(self) -> dict[Value, str]:
        """What every node is called: its label if it has one, else v1, v2 and so on.

        Labels that occur several times are numbered. No two nodes have one name.
        """
        return names_of([step.node for step in self.forward])

    @property
    def root(self) -> Value:
        """The Value whose steps these are."""
        return self.forward[-1].node

    def lines(self) -> Iterator[str]:
        """The table line by line, so that a long one need not be in memory."""
        notation = Notation(self.root, self.names)
        yield from aligned(FORWARD, notation.forward_rows(self.forward))
        yield ""
        yield from aligned(BACKWARD, notation.backward_rows(self.backward))

    def markdown_lines(self) -> Iterator[str]:
        """The same as tables of Markdown."""
        notation = Notation(self.root, self.names)
        tables = (
            (FORWARD, notation.forward_rows(self.forward)),
            (BACKWARD, notation.backward_rows(self.backward)),
        )
        for headings, rows in tables:
            yield "| " + " | ".join(headings) + " |"
            yield "|" + " --- |" * len(headings)
            for row in rows:
                yield "| " + " | ".join(map(markdown, row)) + " |"
            yield ""

    def tex_lines(self) -> Iterator[str]:
        """The same as two displays for amsmath, MathJax or KaTeX."""
        notation = TexNotation(self.root, self.names)
        yield r"\begin{align*}"
        for _, equation in notation.forward_rows(self.forward):
            yield rf"{equation.replace(' = ', ' &= ', 1)} \\"
        yield "\\end{align*}\n\\begin{align*}"
        for _, equation, local, total in notation.backward_rows(self.backward):
            left, sign, right = equation.partition(" = " if not local else notation.added)
            more = rf" && {local} && \Sigma = {total}" if local else ""
            yield rf"{left} &{sign.strip()} {right}{more} \\"
        yield r"\end{align*}"

    def markdown(self) -> str:
        """The steps as tables of Markdown."""
        return "\n".join(self.markdown_lines())

    def tex(self) -> str:
        """The steps as two displays for amsmath, MathJax or KaTeX."""
        return "\n".join(self.tex_lines())

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def __repr__(self) -> str:
        return f"<{len(self):,} steps to and from {self.names[self.root]}; print() shows them>"

    def __rich__(self) -> RenderableType:
        from rich.box import SIMPLE
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        notation = Notation(self.root, self.names)
        tables = []
        for headings, rows in (
            (FORWARD, notation.forward_rows(self.forward)),
            (BACKWARD, notation.backward_rows(self.backward)),
        ):
            table = Table(*headings, box=SIMPLE)
            for row in rows:
                table.add_row(*map(Text, row))
            tables.append(table)
        return Group(*tables)

    def _repr_html_(self) -> str:
        notation = Notation(self.root, self.names)
        parts = [
            html_table(FORWARD, notation.forward_rows(self.forward[:MOST_ROWS])),
            html_table(BACKWARD, notation.backward_rows(self.backward[:MOST_ROWS])),
        ]
        left_out = sum(max(0, len(part) - MOST_ROWS) for part in (self.forward, self.backward))
        if left_out:
            parts.append(f"<p>{left_out:,} more steps are not shown.</p>")
        return "\n".join(parts)


class Notation:
    """How text writes nodes, derivatives and the rows of both passes."""

    kind: type[Symbol] = Symbol
    times = " · "
    added = " += "

    def __init__(self, root: Value, names: dict[Value, str]) -> None:
        self.root = root
        self.names = names
        self.writer: Writer = Writer(self.kind)

    def name(self, node: Value) -> Symbol:
        """A node's name as a symbol."""
        return self.kind(node.data, self.names[node])

    def number(self, node: Value) -> Symbol:
        """A node's data as a symbol."""
        return self.kind.number(node.data)

    def derivative(self, node: Value, by: Value) -> str:
        """The derivative of a node by another one."""
        return f"∂{self.names[node]}/∂{self.names[by]}"

    def product(self, *factors: Symbol | None) -> str:
        """Factors multiplied, None for those that are left out."""
        texts = []
        for factor in factors:
            if factor is None:
                texts.append(self.kind.dots())
            elif (factor.binding == SUM and len(factors) > 1) or (texts and factor.text[0] == "-"):
                texts.append(self.kind.brackets(factor.text))
            else:
                texts.append(factor.text)
        return self.times.join(texts)

    def definition(self, node: Value) -> str:
        """A node's name and what it is made of: the operation with its operands' names."""
        return " = ".join([self.names[node], *self._made_of(node)][:2])

    def value(self, node: Value) -> str:
        """A node's name, its operation as symbols, as numbers, and the result."""
        parts = [self.names[node], *self._made_of(node)]
        if node.operation is not None:
            parts.append(self.writer.value(node, self.number).text)
        parts.append(self.kind.digits(node.data))
        return " = ".join(part for part, _ in groupby(parts))

    def _made_of(self, node: Value) -> list[str]:
        """The operation by its name, if that is no part of its formula, and by its formula."""
        row = node.operation
        if row is None:
            return []
        formula = self.writer.value(node, self.name).text
        if row.special or row.variadic or row.formula.startswith(f"{row.name}("):
            return [formula]
        given = [o if isinstance(o, float) else self.name(o) for o in node.operands]
        return [self.kind.apply(row, *given).text, formula]

    def forward_rows(self, forward: Iterable[Step]) -> Iterator[tuple[str, ...]]:
        """A row of cells for each step of the forward pass."""
        for k, step in enumerate(forward, 1):
            yield str(k), self.value(step.node)

    def backward_rows(self, backward: Iterable[Step]) -> Iterator[tuple[str, ...]]:
        """A row of cells for each step of the backward pass, after that of its seed."""
        yield "", f"{self.derivative(self.root, self.root)} = 1", "", ""
        k = len(self.names)
        for node, edges in groupby(backward, key=lambda step: step.node):
            formulas = self.writer.partials(node, self.name)
            upstream = self.derivative(self.root, node)
            for step in edges:
                k += 1
                by = node.inputs[step.place]
                local = self.derivative(node, by)
                equation = (
                    f"{self.derivative(self.root, by)}{self.added}{upstream}{self.times}{local}"
                    f" = {self.product(*map(self.kind.number, (step.upstream, step.local)))}"
                    f" = {self.kind.digits(step.contribution)}"
                )
                because = f"{local} = {formulas[step.place].text}"
                yield str(k), equation, because, self.kind.digits(step.total)


class TexNotation(Notation):
    """How TeX writes the same."""

    kind: type[Symbol] = TexSymbol
    times = r" \cdot "
    added = r" \mathrel{+}= "

    def __init__(self, root: Value, names: dict[Value, str]) -> None:
        super().__init__(root, tex_names(names))

    def derivative(self, node: Value, by: Value) -> str:
        """The derivative of a node by another one."""
        return rf"\frac{{\partial {self.names[node]}}}{{\partial {self.names[by]}}}"


# Names


def names_of(order: Sequence[Value]) -> dict[Value, str]:
    """A name of its own for every node: its label, numbered if several have it, or else v1, v2.

    >>> a, b, c, d = Value(1.0, "a"), Value(1.0, "a"), Value(1.0), Value(1.0, "v1")
    >>> list(names_of([a, b, c, d]).values())
    ['a₁', 'a₂', 'v2', 'v1']
    """
    labels = [shown(node.label) if node.label else "" for node in order]
    count = Counter(labels)
    taken = set(count)
    numbers: Counter[str] = Counter()

    def another(stem: str, digits: Callable[[int], str]) -> str:
        while True:
            numbers[stem] += 1
            name = stem + digits(numbers[stem])
            if name not in taken:
                taken.add(name)
                return name

    return {
        node: label
        if count[label] == 1 and label
        else another(label, subscript)
        if label
        else another("v", str)
        for node, label in zip(order, labels)
    }


def shown(label: str) -> str:
    """A label as one short piece of text, in quotes if it does not look like a name."""
    text = printable(label)
    if len(text) > LONGEST_LABEL:
        text = text[: LONGEST_LABEL - 1] + "…"
    return text if re.fullmatch(r"[^\W\d][\w.,'′…]*(\[[\w,]+\])?", text) else f'"{text}"'


def subscript(number: int) -> str:
    """A number in small digits below the line."""
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def tex_names(names: dict[Value, str]) -> dict[Value, str]:
    """The names as TeX writes them, again no two the same."""
    pretty = [tex_name(name) for name in names.values()]
    count = Counter(pretty)
    return {
        node: nice if count[nice] == 1 else tex_text(name)
        for (node, name), nice in zip(names.items(), pretty)
    }


def tex_name(name: str) -> str:
    """One letter with an index as such, anything else as text."""
    ascii_digits = name.translate(str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789"))
    match = re.fullmatch(r"([A-Za-z])(?:\[([0-9,]+)\]|([0-9]*))", ascii_digits)
    if not match:
        return tex_text(name)
    index = match[2] or match[3]
    return f"{match[1]}_{{{index}}}" if index else match[1]


TEX = str.maketrans(
    {
        **{c: rf"\{c}" for c in "{}$&#_%"},
        "\\": r"\textbackslash{}",
        "^": r"\textasciicircum{}",
        "~": r"\textasciitilde{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "=": "{=}",  # an equation is aligned at a sign that stands free
    }
)


def tex_text(text: str) -> str:
    """Text in a formula of TeX, whatever is in it."""
    return rf"\text{{{text.translate(TEX)}}}"


def markdown(text: str) -> str:
    """Text in Markdown, whatever is in it."""
    return re.sub(r"([\\`*_\[\]<>|~$&#:@]|(?<=www)\.)", r"\\\1", text)  # www. is a link


# Tables


def aligned(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """A table of text, its columns as wide as the first of its rows ask for."""
    rows = iter(rows)
    first = [headings, *islice(rows, MEASURED)]
    widths = [max(map(len, column)) for column in zip(*first)]
    for row in chain(first, rows):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()


def html_table(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table of HTML."""
    head = "".join(f'<th scope="col">{heading}</th>' for heading in headings)
    body = "\n".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


# The chain rule for one leaf


def explain(value: Value, leaf: Value) -> str:
    """The chain rule for one leaf: the paths to it, their factors, and that they add up.

    Args:
        value: the root, for instance a cost.
        leaf: the Value to differentiate by.

    Raises:
        OperandError: one of them is not a Value.

    >>> w = Value(3.0, "w")
    >>> square = w * w
    >>> square.label = "s"
    >>> print(explain(square, w))  # doctest: +ELLIPSIS
    2 paths lead from s to w. Along each the local derivatives are multiplied; ...
    <BLANKLINE>
    Path 1: s → w
      ∂s/∂w
      = w
      = 3
    <BLANKLINE>
    Path 2: s → w
      ∂s/∂w
      = w
      = 3
    <BLANKLINE>
    Together: ∂s/∂w = 3 + 3 = 6
    """
    check(value, "explain")
    check(leaf, "explain")
    order = topological_order(value)
    names = names_of(order)
    if leaf not in names:
        return (
            f"{names[value]} does not depend on {shown(leaf.label) if leaf.label else 'it'}: "
            "no path leads there, the derivative is 0."
        )
    notation = Notation(value, names)
    asked = notation.derivative(value, leaf)
    if leaf is value:
        return f"{asked} = 1: a Value changes as fast as itself."
    counts = count_paths(order, leaf)
    found = list(islice(paths(value, leaf, counts), MOST_PATHS))
    (gradient,) = sweep(value, [leaf], lambda node: node.partials)
    assert isinstance(gradient, float)
    products = [math.prod(node.partials[place] for node, place in path) for path in found]
    blocks = [how_many(counts[value], names[value], names[leaf])]
    for k, (path, product) in enumerate(zip(found, products), 1):
        blocks.append(written_path(notation, k, path, leaf, product))
    left_out = counts[value] - len(found)
    if left_out:
        products.append(gradient - sum(products))
        more = f"The other {left_out:,}" if counts[value] < COUNTED else "All other"
        blocks.append(f"{more} paths are left out here; they add {Symbol.digits(products[-1])}.")
    shares = Symbol.sum([Symbol.number(product) for product in products]).text
    total = Symbol.digits(gradient)
    blocks.append(f"Together: {' = '.join(p for p, _ in groupby([asked, shares, total]))}")
    return "\n\n".join(blocks)


def chains(value: Value, leaf: Value, most: int) -> list[str]:
    """The derivative by a leaf as products of numbers along its paths, a line for each.

    >>> w, x = Value(0.5, "w"), Value(2.0, "x")
    >>> a = w * x
    >>> a.label = "a"
    >>> chains(a, w, most=5)
    ['∂a/∂w = 2']
    """
    order = topological_order(value)
    notation = Notation(value, names_of(order))
    asked = notation.derivative(value, leaf)
    counts = count_paths(order, leaf)
    if counts[value] > most:
        many = f"{counts[value]:,}" if counts[value] < COUNTED else f"more than {COUNTED:,}"
        return [f"{many} paths lead to {notation.names[leaf]}; their products add up to {asked}"]
    lines = []
    total = 0.0
    for path in paths(value, leaf, counts):
        factors = [node.partials[place] for node, place in path]
        product = math.prod(factors)
        total += product
        numbers = [None if f is None else Symbol.number(f) for f in shortened(factors)]
        lines.append(f"{notation.product(*numbers)} = {Symbol.digits(product)}")
    if value is leaf:
        lines, total = ["1"], 1.0
    if len(lines) == 1:
        written = lines[0].split(" = ")
        return [f"{asked} = {' = '.join(dict.fromkeys(written))}"]
    return [*lines, f"{asked} = {Symbol.digits(total)}, their sum"]


def how_many(count: int, root: str, leaf: str) -> str:
    """The sentence that explanations begin with."""
    if count == 1:
        return (
            f"One path leads from {root} to {leaf}. Along it the local derivatives are multiplied."
        )
    many = f"{count:,}" if count < COUNTED else f"More than {COUNTED:,}"
    return (
        f"{many} paths lead from {root} to {leaf}. "
        "Along each the local derivatives are multiplied; the products are added."
    )


def written_path(
    notation: Notation, number: int, path: list[tuple[Value, int]], leaf: Value, product: float
) -> str:
    """One path: its nodes, its derivatives, their formulas, their numbers, and their product."""
    nodes = [*(node for node, _ in path), leaf]
    derivatives: list[Symbol | None] = []
    formulas: list[Symbol | None] = []
    numbers: list[Symbol | None] = []
    for edge in shortened([(*edge, operand) for edge, operand in zip(path, nodes[1:])]):
        if edge is None:
            for factors in (derivatives, formulas, numbers):
                factors.append(None)
            continue
        node, place, operand = edge
        derivatives.append(Symbol(math.nan, notation.derivative(node, operand)))
        formulas.append(notation.writer.partials(node, notation.name)[place])
        numbers.append(Symbol.number(node.partials[place]))
    trail = " → ".join("…" if n is None else notation.names[n] for n in shortened(nodes))
    chains = [notation.product(*factors) for factors in (derivatives, formulas, numbers)]
    lines = "\n  = ".join(text for text, _ in groupby([*chains, Symbol.digits(product)]))
    return f"Path {number}: {trail}\n  {lines}"


def shortened(entries: list[Any]) -> list[Any]:
    """A list with None in the place of its middle if it is long."""
    half = MOST_FACTORS // 2
    if len(entries) <= MOST_FACTORS:
        return [*entries]
    return [*entries[:half], None, *entries[-half:]]


def count_paths(order: Iterable[Value], leaf: Value) -> dict[Value, int]:
    """From how many ways each node can be reached from the leaf, nodes that cannot left out."""
    counts = {leaf: 1}
    for node in order:
        if node is not leaf:
            count = sum(counts.get(operand, 0) for operand in node.inputs)
            if count:
                counts[node] = min(count, COUNTED)
    return counts


def paths(
    root: Value, leaf: Value, reaching: dict[Value, int]
) -> Iterator[list[tuple[Value, int]]]:
    """The paths from the root to the leaf: nodes, and which input of each comes next."""
    path: list[tuple[Value, int]] = [(root, -1)]
    while path:
        node, place = path.pop()
        inputs = node.inputs
        place += 1
        while place < len(inputs) and inputs[place] not in reaching:
            place += 1
        if place == len(inputs):
            continue
        path.append((node, place))
        if inputs[place] is leaf:
            yield list(path)
        else:
            path.append((inputs[place], -1))
