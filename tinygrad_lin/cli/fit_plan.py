"""What fit starts from: points, model, loss, and what it chooses where no option was given."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from tinygrad_lin.cli.options import LOSSES, choose_loss
from tinygrad_lin.errors import DataError
from tinygrad_lin.nn.models import MLP, Linear
from tinygrad_lin.nn.modules import Module
from tinygrad_lin.nn.optimizers import OPTIMIZERS, curvatures
from tinygrad_lin.nn.standardization import Standardization

if TYPE_CHECKING:
    from pathlib import Path

    from tinygrad_lin.nn.data import Data

MAX_PARAMETERS = 1_000_000
LINE_LEARNING_RATE = 1e-3
# After n / (lr · λmin) steps the error has shrunk by e^-n; e^-25 = 1e-11 is as good as exact.
STEPS_TO_EXACTNESS = 25.0
MAX_WELL_SCALED = 10.0  # A net learns badly from larger numbers than this.


class FitSettings(NamedTuple):
    """The options of fit under their own names; None stands for one that was not given."""

    data: str
    features: tuple[str, ...]
    target: str | None
    hidden: str | None
    activation: str | None
    loss: str | None
    optimizer: str
    lr: float | None
    batch: int | None
    steps: int | None
    tolerance: float
    validation: float
    patience: int
    standardize: bool
    seed: int
    out: Path
    resume: bool


class Plan(NamedTuple):
    """Everything that determines a training."""

    settings: FitSettings
    points: Data  # The points in their own units.
    units: Standardization | None  # How the points are scaled for the training, if at all.
    scaled: Data  # The points in the units of the training.
    model: Module  # An untrained line or net.
    loss: str
    limit: float | None  # The largest learning rate that converges, where it is known.
    learning_rate: float
    steps: int
    advice: str | None  # What would work better, if anything.


def plan_training(settings: FitSettings, points: Data) -> Plan:
    """Work out the training that the settings ask for."""
    if not 0 <= settings.seed < 2**32:
        raise DataError(
            f"the seed must be a whole number from 0 to {2**32 - 1}, not {settings.seed}"
        )
    if settings.optimizer == "newton" and settings.batch is not None:
        raise DataError("--optimizer newton needs all points in every step: leave out --batch")
    loss = choose_loss(settings.loss, settings.data, points)
    model = create_model(settings, len(points.features))
    net = isinstance(model, MLP)
    units = None
    if settings.standardize:
        units = Standardization.of(points, target=net and loss == "squares")
    scaled = units.apply(points) if units else points
    # The cost of a line curves (nearly) the same everywhere; that of a net may curve in any way.
    curvature: list[float] = []
    if not net:
        cost = LOSSES[loss]([model(row) for row in scaled.x], scaled.y)
        curvature = curvatures(cost, model.parameters())
    limit = 2.0 / curvature[-1] if curvature and curvature[-1] > 0.0 else None
    lr = default_learning_rate(settings, net, limit) if settings.lr is None else settings.lr
    steps = settings.steps
    if steps is None:
        steps = 1_000 if net or settings.batch is not None else 1_000_000
    advice = advise_net(scaled, loss) if net else advise_line(settings, lr, steps, curvature[0])
    return Plan(settings, points, units, scaled, model, loss, limit, lr, steps, advice)


def create_model(settings: FitSettings, inputs: int) -> Module:
    """A line, or a net with hidden layers."""
    hidden = settings.hidden
    if hidden is None:
        if settings.activation:
            raise DataError("--activation is for hidden neurons; give --hidden too")
        return Linear(inputs, rng=settings.seed)
    parts = [part.strip() for part in hidden.split(",")]
    if not all(part.isdecimal() and int(part) for part in parts):
        raise DataError(f"--hidden takes the sizes of layers, such as 16,16, not {hidden!r:.60}")
    sizes = [inputs, *map(int, parts), 1]
    count = sum((m + 1) * n for m, n in pairwise(sizes))
    if count > MAX_PARAMETERS:
        raise DataError(
            f"a net with {count:,} parameters is beyond an engine of single numbers; take "
            f"smaller layers, with {MAX_PARAMETERS:,} at most"
        )
    return MLP(sizes, settings.activation or "tanh", rng=settings.seed)


def default_learning_rate(settings: FitSettings, net: bool, limit: float | None) -> float:
    """The learning rate where none is given."""
    kind = OPTIMIZERS[settings.optimizer]
    if net or math.isinf(kind.descent_speed):
        return kind.usual_lr
    if settings.data == "line" and settings.optimizer == "sgd":
        return LINE_LEARNING_RATE
    if limit is None:
        raise DataError("the cost does not curve where it starts, so give a learning rate: --lr")
    return limit / 2.0


def advise_net(points: Data, loss: str) -> str | None:
    """Advice if the numbers are of a size that a net learns badly from."""
    rows = [*points.x, points.y if loss == "squares" else []]
    if any(abs(number) > MAX_WELL_SCALED for row in rows for number in row):
        return "a net learns best from numbers of about 1; try --standardize"
    return None


def advise_line(settings: FitSettings, lr: float, steps: int, curvature: float) -> str | None:
    """Advice if a line cannot converge in so few steps, given the smallest curvature."""
    speed = OPTIMIZERS[settings.optimizer].descent_speed
    too_few = lr > 0.0 and steps > 0 and speed * lr * curvature * steps < STEPS_TO_EXACTNESS
    if settings.batch is not None or not too_few:
        return None
    remedy = "--optimizer newton"
    if not settings.standardize:
        remedy = "--standardize or " + remedy
    return f"{steps:,} steps will not be enough here; try {remedy}"


def usual_learning_rates() -> str:
    """The default learning rates that do not depend on the data, for the help."""
    always, of_a_net = [], []
    for name, kind in OPTIMIZERS.items():
        if math.isinf(kind.descent_speed):
            always.append(f"{name}: {kind.usual_lr:g}")
        else:
            of_a_net.append(("" if name == "sgd" else f"or, with {name}, ") + f"{kind.usual_lr:g}")
    return "; ".join([*always, f"a net: {' '.join(of_a_net)}"])
