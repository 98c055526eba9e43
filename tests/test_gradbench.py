"""GradBench's problems: each script against a derivative that owes nothing to the engine."""

from __future__ import annotations

import math
import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy
import pytest

from tinygrad_lin import Value, compile_graph

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

FOLDER = Path(__file__).parent.parent / "examples" / "gradbench"
RNG = numpy.random.RandomState(31337)


@pytest.fixture(autouse=True)
def _scripts_import_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))


def script(name: str, run_name: str = "a test") -> dict[str, Any]:
    return runpy.run_path(str(FOLDER / f"{name}.py"), run_name=run_name)


def slopes(f: Callable[..., Value], numbers: Iterable[float]) -> list[float]:
    leaves = [Value(number) for number in numbers]
    f(leaves).backward()
    return [leaf.grad for leaf in leaves]


def complex_step(f: Callable[..., complex], numbers: Iterable[float]) -> list[float]:
    """The derivatives of a function written for complex numbers, to rounding."""
    x = numpy.asarray(list(numbers), dtype=complex)
    steps = 1e-30j * numpy.eye(len(x))
    return [f(x + step).imag / 1e-30 for step in steps]


@pytest.mark.parametrize(("n", "m"), [(16, 4), (17, 9), (64, 32)])
def test_llsq(n: int, m: int) -> None:
    module, x = script("llsq"), RNG.rand(m)
    t = numpy.array([-1 + i * 2 / (n - 1) for i in range(n)])
    powers = t[:, None] ** numpy.arange(m)
    residuals = numpy.sign(t) - powers @ x
    assert module["cost"](x.tolist(), n) == pytest.approx(residuals @ residuals / 2, rel=1e-12)
    found = slopes(lambda leaves: module["cost"](leaves, n), x)
    assert found == pytest.approx(-powers.T @ residuals, rel=1e-10)
    assert module["compiled"](n, m)(x) == pytest.approx(-powers.T @ residuals, rel=1e-10)


@pytest.mark.parametrize("shift", [0.0, 1000.0, -1000.0])
def test_lse(shift: float) -> None:
    logsumexp, x = script("lse")["logsumexp"], 200 * RNG.rand(50) - 100
    softmax = numpy.exp(x - x.max()) / numpy.exp(x - x.max()).sum()
    assert slopes(logsumexp, x + shift) == pytest.approx(softmax, rel=1e-10, abs=1e-300)
    assert logsumexp([math.log(k) + shift for k in (1, 2, 3)]) == pytest.approx(math.log(6) + shift)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 6])
def test_det(n: int) -> None:
    det, matrix = script("det")["det"], RNG.rand(n, n)
    leaves = [[Value(entry) for entry in row] for row in matrix]
    y = det(leaves)
    y.backward()
    cofactors = numpy.linalg.det(matrix) * numpy.linalg.inv(matrix).T
    assert y.data == pytest.approx(numpy.linalg.det(matrix), rel=1e-9)
    found = [entry.grad for row in leaves for entry in row]
    assert found == pytest.approx(cofactors.ravel(), rel=1e-9)
    if n > 1:
        program = compile_graph(y, wrt=[entry for row in leaves for entry in row])
        assert program.value_and_grad(matrix.ravel())[1] == pytest.approx(found, rel=1e-12)


@pytest.mark.parametrize(("n", "steps"), [(1, 1), (4, 10), (5, 3), (12, 20)])
def test_ode(n: int, steps: int) -> None:
    """The system is linear, y' = Ay + b: a step multiplies by the Taylor polynomial of exp(hA)."""

    def last(x: Any) -> Any:
        a = numpy.zeros((n + 1, n + 1), dtype=complex)  # with a constant 1 for the last coordinate
        a[0, n] = x[0]
        for k in range(1, n):
            a[k, k - 1] = x[k]
        h = 2 / steps
        step = sum(numpy.linalg.matrix_power(h * a, k) / math.factorial(k) for k in range(5))
        return numpy.linalg.matrix_power(step, steps)[n - 1, n]

    solution, x = script("ode")["solution"], RNG.rand(n)
    assert solution(x.tolist(), steps)[-1] == pytest.approx(last(x).real, rel=1e-12)
    found = slopes(lambda leaves: solution(leaves, steps)[-1], x)
    assert found == pytest.approx(complex_step(last, x), rel=1e-11)


@pytest.mark.parametrize(("d", "k", "n", "m", "gamma"), [(1, 2, 3, 0, 1.0), (3, 4, 6, 2, 0.7)])
def test_gmm(d: int, k: int, n: int, m: int, gamma: float) -> None:
    """Against the densities as they are defined, with determinants and traces of matrices."""
    points, lower = RNG.randn(n, d), d * (d - 1) // 2

    def split(flat: Any) -> list[Any]:
        ends = numpy.cumsum([k, k * d, k * d])
        alpha, mu, q, below = numpy.split(numpy.asarray(flat), ends)
        rows = [part.reshape(k, -1).tolist() for part in (mu, q, below)]
        return [alpha.tolist(), *rows]

    def densities(flat: Any) -> Any:
        alpha, mu, q, below = map(numpy.array, split(flat))
        likelihood, prior = numpy.zeros(n, dtype=complex), 0.0
        dof = d + m + 1
        gamma_d = math.pi ** (d * (d - 1) / 4)
        gamma_d *= math.prod(math.gamma((dof - j) / 2) for j in range(d))
        for c in range(k):
            factor = numpy.diag(numpy.exp(q[c])).astype(complex)
            factor.T[numpy.triu_indices(d, 1)] = below[c]
            precision = factor.T @ factor
            det = numpy.linalg.det(precision)
            away = points - mu[c]
            squares = numpy.einsum("ni,ij,nj->n", away, precision, away)
            weight = numpy.exp(alpha[c]) / numpy.exp(alpha).sum()
            likelihood += weight * numpy.exp(-squares / 2) * numpy.sqrt(det / (2 * math.pi) ** d)
            v = numpy.eye(d) / gamma**2
            wishart = det ** ((dof - d - 1) / 2)
            wishart *= numpy.exp(-numpy.trace(numpy.linalg.inv(v) @ precision) / 2)
            wishart /= 2 ** (dof * d / 2) * numpy.linalg.det(v) ** (dof / 2) * gamma_d
            prior += numpy.log(wishart)
        return numpy.log(likelihood).sum() + prior

    log_posterior = script("gmm")["log_posterior"]

    def ours(flat: Any) -> Any:
        return log_posterior(points, split(flat), m=m, gamma=gamma)

    x = 0.5 * RNG.randn(k + 2 * k * d + k * lower)
    assert ours(x) == pytest.approx(densities(x).real, rel=1e-11)
    assert slopes(ours, x) == pytest.approx(complex_step(densities, x), rel=1e-9, abs=1e-12)


MODES = [(outer, inner) for outer in ("forward", "reverse") for inner in ("forward", "reverse")]


@pytest.mark.parametrize(("outer", "inner"), MODES)
@pytest.mark.parametrize("w", [0.0, 0.2, -2.0])
def test_particle(w: float, outer: str, inner: str) -> None:
    """The path again, with the force by hand and on complex numbers."""

    def miss(point: Any) -> Any:
        x, v = numpy.array([0, 8], dtype=complex), numpy.array([0.75, 0], dtype=complex)
        charges = numpy.array([[10, 10 - point[0]], [10, 0]])
        while True:
            away = x - charges
            force = (away / ((away**2).sum(1) ** 1.5)[:, None]).sum(0)
            there = x + 0.1 * v
            if there[1].real <= 0:
                return (x[0] - x[1] / v[1] * v[0]) ** 2
            x, v = there, v + 0.1 * force

    particle, descent = script("particle"), script("descent")
    (found,) = descent[outer](lambda x: particle["miss"](x[0], descent[inner]), [w])
    assert found.data == pytest.approx(complex_step(miss, [w])[0], rel=1e-10)


@pytest.mark.parametrize(("outer", "inner"), MODES)
def test_saddle(outer: str, inner: str) -> None:
    """The largest f over y is that at a y near 0: its gradient by x is 2x."""
    saddle, descent = script("saddle"), script("descent")

    def highest(x: Any) -> Any:
        inside = saddle["argmax"](lambda y: saddle["f"](x, y), descent[inner], [1.0, 1.0])
        return saddle["f"](x, inside)

    found = descent[outer](highest, [3.0, -4.0])
    assert [slope.data for slope in found] == pytest.approx([6.0, -8.0], rel=1e-14)


def test_a_descent_differentiates_what_it_depends_on() -> None:
    """The y of the largest value of xy - y²/2 is x, so that value is x²/2 with derivative x."""
    descent = script("descent")
    for outer, inner in MODES:

        def highest(x: Any, gradient: Any = descent[inner]) -> Any:
            (y,) = descent["argmax"](lambda y: x[0] * y[0] - y[0] * y[0] / 2, gradient, [0.5])
            return x[0] * y - y * y / 2

        (found,) = descent[outer](highest, [2.0])
        assert found.data == pytest.approx(2.0, rel=1e-4)


@pytest.mark.parametrize(
    ("name", "promised"),
    [
        ("llsq", ["cost", "compiled"]),
        ("lse", ["at + 1000 1002.426944"]),
        ("det", ["scalar operations became"]),
        ("ode", ["gradient", "by hand"]),
        ("gmm", ["log posterior -117.691379"]),
        # What GradBench itself expects of these two.
        ("particle", ["w 0.207191874648"]),
        ("saddle", ["x 8.2463248261403", "y 8.2463248261403"]),
    ],
)
def test_scripts_print(name: str, promised: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    script(name, "__main__")
    out = capsys.readouterr().out
    assert all(words in out for words in promised)
    if name in {"llsq", "ode"}:
        *_, above, below = out.splitlines()
        assert above.split()[1:] == below.replace("by hand", "by-hand").split()[1:]
