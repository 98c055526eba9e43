"""Makes the pictures of the README, the docs and the examples: python docs/pictures.py."""

from __future__ import annotations

import io
import math
import subprocess  # nosec B404
import sys
import tempfile
from pathlib import Path

import matplotlib as mpl
import numpy
from matplotlib.figure import Figure

from tinygrad_lin import (
    MLP,
    Drawing,
    Linear,
    Value,
    draw,
    exp,
    gradients,
    half_mse,
    tanh,
    topological_order,
)
from tinygrad_lin._files import write_whole
from tinygrad_lin.check.numeric.complex_step import complex_step_derivative
from tinygrad_lin.check.numeric.differences import derivative
from tinygrad_lin.cli import main as commands
from tinygrad_lin.viz.plots import CURVE, INK, OTHER, POINTS, axes_of

IMAGES = Path(__file__).parent / "images"
EXAMPLES = Path(__file__).parent.parent / "examples"


def cost() -> Value:
    """The README's example."""
    w, x, b = Value(0.5, "w"), Value(2.0, "x"), Value(-0.1, "b")
    a = w * x + b
    a.label = "a"
    result = (19 - a) ** 2 / 2
    result.label = "C"
    result.backward()
    return result


def neuron() -> Value:
    """tanh(wx + b)."""
    w, x, b = Value(0.5, "w"), Value(2.0, "x"), Value(-0.1, "b")
    a = tanh(w * x + b)
    a.label = "a"
    a.backward()
    return a


def line() -> Value:
    """The cost of the article's line at its random start."""
    model = Linear()
    result = half_mse([model(Value(x, "x")) for x in (2.0, 4.0)], [19.0, 35.0])
    result.backward()
    return result


def net(sizes: list[int], points: int) -> Value:
    """The cost of a net on some points, or its output for one."""
    model = MLP(sizes)
    inputs = [[Value(math.sin(k), "x0"), Value(math.cos(k), "x1")] for k in range(1, points + 1)]
    outputs = [model(x) for x in inputs]
    result: Value = outputs[0] if points == 1 else half_mse(outputs, [1.0] * points)
    result.backward()
    return result


def several_paths() -> tuple[Value, Value]:
    """A Value that is reached in three ways."""
    x = Value(3.0, "x")
    square = x * x
    result = square + 2.0 * x
    result.label = "y"
    result.backward()
    return result, x


def second_derivative() -> Value:
    """The derivative of exp(x) x, with its own gradient."""
    x = Value(0.5, "x")
    (result,) = gradients(exp(x) * x, [x])
    result.label = "derivative"
    result.backward()
    return result


def as_micrograd(root: Value) -> Drawing:
    """A graph in the manner of micrograd's notebook: operations as nodes apart, records, no edges'
    derivatives.
    """
    drawing = Drawing(format="svg", graph_attr={"rankdir": "LR"})
    names = {node: f"n{k}" for k, node in enumerate(topological_order(root))}
    for node, name in names.items():
        text = f"{{ {node.label} | data {node.data:.4f} | grad {node.grad:.4f} }}"
        drawing.node(name, text, shape="record", fontname="DejaVu Sans")
        if node.operation:
            drawing.node(f"{name}op", node.operation.sign, fontname="DejaVu Sans")
            drawing.edge(f"{name}op", name)
            for operand in node.inputs:
                drawing.edge(names[operand], f"{name}op")
    return drawing


def as_torchviz(root: Value) -> Drawing:
    """A graph in the manner of torchviz: the functions of the backward pass, and leaves."""
    drawing = Drawing(
        format="svg", node_attr={"shape": "box", "style": "filled", "fontname": "DejaVu Sans"}
    )
    names = {node: f"n{k}" for k, node in enumerate(topological_order(root))}
    for node, name in names.items():
        if node.operation:
            text = f"{node.operation.name.capitalize()}Backward0"
            drawing.node(name, text, fillcolor="lightgrey")
        else:
            drawing.node(f"{name}leaf", f"{node.label}\n ()", fillcolor="lightblue")
            drawing.node(name, "AccumulateGrad", fillcolor="lightgrey")
            drawing.edge(f"{name}leaf", name)
        for operand in node.inputs:
            drawing.edge(names[operand], name)
    drawing.node("output", " ()", fillcolor="darkolivegreen1")
    drawing.edge(names[root], "output")
    return drawing


def drawings() -> dict[str, Drawing]:
    """Those of the README and the gallery, by name."""
    end, start = several_paths()
    return {
        "cost": draw(cost()),
        "neuron": draw(neuron(), legend=True),
        "neuron-dark": draw(neuron(), theme="dark"),
        "neuron-print": draw(neuron(), theme="print"),
        "neuron-micrograd": as_micrograd(neuron()),
        "neuron-torchviz": as_torchviz(neuron()),
        "line": draw(line(), title="C = MSE / 2"),
        "net": draw(net([2, 3, 1], 1)),
        "batch": draw(net([2, 16, 16, 1], 100)),
        "path": draw(end, path=start),
        "curvature": draw(second_derivative()),
    }


def error_curve() -> Figure:
    """How far differences of tanh at 0.5 are from its derivative, against the step."""
    x = 0.5
    truth = 1.0 - math.tanh(x) ** 2
    steps = numpy.logspace(-15, 0, 240)
    one_sided = [abs((math.tanh(x + h) - math.tanh(x)) / h - truth) for h in steps]
    central = [abs((math.tanh(x + h) - math.tanh(x - h)) / (2 * h) - truth) for h in steps]
    leaf = Value(x)
    ridders = derivative(math.tanh, x, 0.1)
    exact = complex_step_derivative(tanh(leaf), leaf)
    assert exact
    figure, ax = axes_of(None)
    ax.loglog(steps, one_sided, ":", color=INK, linewidth=1.2, label="one-sided difference")
    ax.loglog(steps, central, color=POINTS, linewidth=1.2, label="central difference")
    ends = (steps[0], steps[-1])
    lowest = 1e-17  # what is exact has no place on a logarithmic axis
    ax.plot(ends, [max(abs(ridders.value - truth), lowest)] * 2, "-", color=CURVE, linewidth=2.2,
            label="extrapolated to step 0 (Ridders)")  # fmt: skip
    ax.plot(ends, [ridders.error] * 2, "--", color=CURVE, linewidth=1.2,
            label="its own estimate of its error")  # fmt: skip
    ax.plot(ends, [max(abs(exact.value - truth), lowest)] * 2, "-.", color=OTHER, linewidth=2.2,
            label="complex step")  # fmt: skip
    ax.text(2e-15, 3e-6, "rounding", color=INK)
    ax.text(6e-2, 1e-7, "truncation", color=INK, ha="center")
    ax.set_xlabel("step h")
    ax.set_ylabel("error of the derivative of tanh at 0.5")
    ax.set_ylim(3e-18, 3.0)
    ax.legend(loc="upper center", fontsize=8, frameon=False)
    return figure


def run_example(script: Path, folder: Path) -> None:
    """Run an example somewhere else, and write the pictures that it leaves to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as elsewhere:
        subprocess.run([sys.executable, str(script)], cwd=elsewhere, check=True)  # nosec B603
        for picture in Path(elsewhere).glob(f"{script.stem}.*"):
            write_whole(folder / picture.name, picture.read_bytes())


def main(folder: Path) -> None:
    """Write the pictures that are made here to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, drawing in drawings().items():
        drawing.write(folder / f"{name}.svg")
    # The same picture gives the same file.
    with mpl.rc_context({"svg.hashsalt": "tinygrad_lin", "svg.fonttype": "path"}):
        content = io.BytesIO()
        error_curve().savefig(content, format="svg", metadata={"Date": None})
    write_whole(folder / "error-curve.svg", content.getvalue())
    with tempfile.TemporaryDirectory() as out:
        commands.main(
            ["fit", "moons", "--hidden", "8", "--optimizer", "adam", "--batch", "20", "--out", out],
            standalone_mode=False,
        )
        write_whole(folder / "train-moons.png", (Path(out) / "fit.png").read_bytes())


if __name__ == "__main__":
    main(IMAGES)
    for example in sorted(EXAMPLES.glob("*.py")):
        run_example(example, IMAGES / "examples")
