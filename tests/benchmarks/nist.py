"""NIST's nonlinear regressions: python tests/benchmarks/nist.py [--folder NIST_STRD].

The 27 sets of the Statistical Reference Datasets, whose parameters NIST certifies to 11 digits. The
files come with the source distribution of lmfit, which pip downloads unless a folder is given.
Needs SciPy, for its Levenberg-Marquardt; nothing else of the project does.

For each set a line of a table:

    gradient   of the sum of squares at the certified parameters, by the engine: as a part of the
               sum of its terms' sizes, and of what rounding allows. The parameters are printed with
               11 digits, so each may be half a unit off, which moves the gradient by the Hessian
               times as much; and a residual has the rounding of what it is the difference of
    far, near  digits of the worst parameter that agree with the certified ones, at most 11, after
               Levenberg-Marquardt with the Jacobian of a compiled program, from NIST's start 1 and
               start 2, and how many residuals that took

It fails where the gradient is more than rounding, or the near start gives fewer than 6 digits.
"""

from __future__ import annotations

import argparse
import math
import re
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy
import scipy.optimize

from tinygrad_lin import DomainError, Value, atan, compile_graph, cos, dot, exp, hessian, sin

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy import float64
    from numpy.typing import NDArray

SDIST = "lmfit==1.3.4"
DIGITS = 11


# -------------------------------------------------------------------------------------- the models
def cubic(x: Any, b1: Any, b2: Any, b3: Any, b4: Any, b5: Any, b6: Any, b7: Any) -> Any:
    return (b1 + b2 * x + b3 * x**2 + b4 * x**3) / (1 + b5 * x + b6 * x**2 + b7 * x**3)


def chwirut(x: Any, b1: Any, b2: Any, b3: Any) -> Any:
    return exp(-b1 * x) / (b2 + b3 * x)


def enso(x: Any, b1: Any, *b: Any) -> Any:
    def cycle(period: Any, across: Any, along: Any) -> Any:
        angle = 2 * math.pi * x / period
        return across * cos(angle) + along * sin(angle)

    b2, b3, b4, b5, b6, b7, b8, b9 = b
    return b1 + cycle(12.0, b2, b3) + cycle(b4, b5, b6) + cycle(b7, b8, b9)


def gauss(x: Any, b1: Any, b2: Any, *b: Any) -> Any:
    def peak(height: Any, middle: Any, width: Any) -> Any:
        return height * exp(-((x - middle) ** 2) / width**2)

    return b1 * exp(-b2 * x) + peak(*b[:3]) + peak(*b[3:])


def lanczos(x: Any, b1: Any, b2: Any, b3: Any, b4: Any, b5: Any, b6: Any) -> Any:
    return b1 * exp(-b2 * x) + b3 * exp(-b4 * x) + b5 * exp(-b6 * x)


MODELS: dict[str, Callable[..., Any]] = {
    "Bennett5": lambda x, b1, b2, b3: b1 * (b2 + x) ** (-1 / b3),
    "BoxBOD": lambda x, b1, b2: b1 * (1 - exp(-b2 * x)),
    "Chwirut1": chwirut,
    "Chwirut2": chwirut,
    "DanWood": lambda x, b1, b2: b1 * x**b2,
    "ENSO": enso,
    "Eckerle4": lambda x, b1, b2, b3: b1 / b2 * exp(-0.5 * ((x - b3) / b2) ** 2),
    "Gauss1": gauss,
    "Gauss2": gauss,
    "Gauss3": gauss,
    "Hahn1": cubic,
    "Kirby2": lambda x, b1, b2, b3, b4, b5: (b1 + b2 * x + b3 * x**2) / (1 + b4 * x + b5 * x**2),
    "Lanczos1": lanczos,
    "Lanczos2": lanczos,
    "Lanczos3": lanczos,
    "MGH09": lambda x, b1, b2, b3, b4: b1 * (x**2 + x * b2) / (x**2 + x * b3 + b4),
    "MGH10": lambda x, b1, b2, b3: b1 * exp(b2 / (x + b3)),
    "MGH17": lambda x, b1, b2, b3, b4, b5: b1 + b2 * exp(-x * b4) + b3 * exp(-x * b5),
    "Misra1a": lambda x, b1, b2: b1 * (1 - exp(-b2 * x)),
    "Misra1b": lambda x, b1, b2: b1 * (1 - (1 + b2 * x / 2) ** -2),
    "Misra1c": lambda x, b1, b2: b1 * (1 - (1 + 2 * b2 * x) ** -0.5),
    "Misra1d": lambda x, b1, b2: b1 * b2 * x * (1 + b2 * x) ** -1,
    "Nelson": lambda x1, x2, b1, b2, b3: b1 - b2 * x1 * exp(-b3 * x2),  # of log y
    "Rat42": lambda x, b1, b2, b3: b1 / (1 + exp(b2 - b3 * x)),
    "Rat43": lambda x, b1, b2, b3, b4: b1 / (1 + exp(b2 - b3 * x)) ** (1 / b4),
    "Roszman1": lambda x, b1, b2, b3, b4: b1 - b2 * x - atan(b3 / (x - b4)) / math.pi,
    "Thurber": cubic,
}


# --------------------------------------------------------------------------------------- the files
@dataclass
class Regression:
    """One file of NIST's."""

    name: str
    difficulty: str
    starts: list[NDArray[float64]]
    certified: NDArray[float64]
    least: float  # the certified sum of squares
    y: NDArray[float64]
    x: list[NDArray[float64]]


def read(path: Path) -> Regression:
    text = path.read_text(encoding="ascii")
    lines = text.splitlines()
    number = r"\s+(\S+)"
    rows = re.findall(rf"^\s*b\d+ ={number}{number}{number}{number}\s*$", text, re.MULTILINE)
    first, second, certified, _ = numpy.array(rows, dtype=float).T
    span = re.search(r"Data\s+\(lines (\d+) to\s+(\d+)\)", text)
    difficulty = re.search(r"(\w+) Level of Difficulty", text)
    least = re.search(r"Residual Sum of Squares:\s+(\S+)", text)
    if not (span and difficulty and least):
        raise SystemExit(f"{path} is no file of NIST's")
    y, *x = numpy.array([line.split() for line in lines[int(span[1]) - 1 :] if line], float).T
    if path.stem == "Nelson":
        y = numpy.log(y)
    return Regression(path.stem, difficulty[1], [first, second], certified, float(least[1]), y, x)


def downloaded(folder: str) -> Path:
    """NIST's files, taken out of the archive that pip downloads."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
    subprocess.run([*pip, "--no-binary", "lmfit", SDIST], check=True)
    (archive,) = Path(folder).glob("lmfit-*.tar.gz")
    with tarfile.open(archive) as files:
        files.extractall(folder, filter="data")
    (found,) = Path(folder).glob("*/NIST_STRD")
    return found


# -------------------------------------------------------------------------------------- the checks
class Fit:
    """The model of a set as a program: residuals and their derivatives."""

    def __init__(self, data: Regression) -> None:
        x, b = [Value(column[0]) for column in data.x], [Value(start) for start in data.starts[0]]
        self.program = compile_graph([MODELS[data.name](*x, *b)], batch=x, wrt=b)
        self.data = data

    def residuals(self, b: NDArray[float64]) -> Any:
        try:
            return self.program.values(b, *self.data.x)[:, 0] - self.data.y
        except DomainError:  # a step too far: as bad as can be, so that a shorter one is tried
            return numpy.full(len(self.data.y), 1e100)

    def jacobian(self, b: NDArray[float64]) -> Any:
        return self.program.jacobian(b, *self.data.x)[:, 0]

    def digits(self, start: NDArray[float64]) -> tuple[float, int]:
        """Those that agree after Levenberg-Marquardt, and how many residuals it computed."""
        found = scipy.optimize.least_squares(
            self.residuals,
            start,
            self.jacobian,
            method="lm",
            x_scale="jac",
            ftol=1e-15,
            xtol=1e-15,
            gtol=1e-15,
            max_nfev=10_000,
        )
        certified = self.data.certified
        worst = float(numpy.max(abs(found.x - certified) / abs(certified)))
        return min(max(-math.log10(worst or 1e-99), 0.0), DIGITS), found.nfev


def gradient_at_the_certified(data: Regression, jacobian: NDArray[float64]) -> tuple[float, float]:
    """The gradient of half the sum of squares, as a part of its terms and of what rounding allows.

    Raises:
        AssertionError: the sum of squares is not the certified one.
    """
    model, b = MODELS[data.name], [Value(number) for number in data.certified]
    predicted = [model(*row, *b) for row in zip(*[column.tolist() for column in data.x])]
    residuals = [value - y for value, y in zip(predicted, data.y.tolist())]
    cost = dot(residuals, residuals) / 2
    cost.backward()
    if data.name != "Lanczos1":  # where all 14 digits of the data agree: what is left is rounding
        assert math.isclose(2 * cost.data, data.least, rel_tol=1e-9), data.name
    gradient = abs(numpy.array([v.grad for v in b]))
    terms = abs(numpy.array([r.data for r in residuals])) @ abs(jacobian)
    units = 10.0 ** (numpy.floor(numpy.log10(abs(data.certified))) - (DIGITS - 1))
    printed = abs(hessian(cost, b)) @ units / 2
    sizes = abs(numpy.array([value.data for value in predicted])) + abs(data.y)
    computed = 2 * numpy.finfo(float).eps * sizes @ abs(jacobian)
    return float(numpy.max(gradient / terms)), float(numpy.max(gradient / (printed + computed)))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--folder", type=Path, help="where the files are already")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = options.folder or downloaded(folder)
        sets = [read(files / f"{name}.dat") for name in MODELS]
    sets.sort(key=lambda data: (["Lower", "Average", "Higher"].index(data.difficulty), data.name))
    print("| set | difficulty | gradient, of its terms | of what rounding allows | far | near |")
    print("|---|---|---|---|---|---|")
    failed = []
    for data in sets:
        fit = Fit(data)
        of_terms, allowed = gradient_at_the_certified(data, fit.jacobian(data.certified))
        fits = [fit.digits(start) for start in data.starts]
        cells = [f"{digits:.1f} ({count:,})" for digits, count in fits]
        cells = [data.name, data.difficulty.lower(), f"{of_terms:.0e}", f"{allowed:.2f}", *cells]
        print("|", " | ".join(cells), "|", flush=True)
        if allowed > 1 or fits[1][0] < 6:
            failed.append(data.name)
    if failed:
        raise SystemExit(f"the gradient is not 0 to rounding, or the fit is off: {failed}")


if __name__ == "__main__":
    main()
