"""The history of a training: its costs, snapshots of its parameters, and how it ended."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tinygrad_lin.nn.data import Floats
    from tinygrad_lin.value import Value


class Snapshot(NamedTuple):
    """The cost and the parameters after so many steps."""

    step: int
    cost: float
    parameters: tuple[float, ...]


@dataclass
class History:
    """What happened in training.

    Attributes:
        costs: the cost before the first step and after each, so one more than steps; with
            mini-batches that of each step's batch.
        snapshots: cost and parameters before the first 100 steps, then of some 90 steps in every
            power of ten, and of the last.
        validation: the cost on the points kept aside, before every epoch.
        epoch: the number of steps in an epoch; 1 without mini-batches.
        best: the snapshot with the lowest cost on the points kept aside.
        converged: whether the gradient fell to the tolerance (or no parameter moved any more).
        stopped: whether the cost on the points kept aside had ceased to fall.
        interrupted: whether Ctrl-C ended it.
        start: the step at which it went on from a checkpoint; ``costs`` begin there.
        final: the graph of the last cost, gradients included; None if that is of more than
            100,000 points.
        recorded: why the graph was recorded anew in every step; empty if it was compiled.
    """

    costs: array[float] = field(default_factory=lambda: array("d"))
    snapshots: list[Snapshot] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    epoch: int = 1
    best: Snapshot | None = None
    converged: bool = False
    stopped: bool = False
    interrupted: bool = False
    start: int = 0
    final: Value | None = None
    recorded: str = ""

    @property
    def steps(self) -> int:
        """How many updates were made."""
        return self.start + max(len(self.costs) - 1, 0)

    @property
    def outcome(self) -> str:
        """How it ended, in words."""
        if self.converged:
            return "converged"
        if self.stopped:
            return "stopped early"
        return "interrupted" if self.interrupted else "not converged"

    def add(self, cost: float, parameters: Floats) -> None:
        """Note the cost and the parameters before a step."""
        self.costs.append(cost)
        if is_snapshot_due(self.steps):
            self.snapshots.append(Snapshot(self.steps, cost, tuple(parameters.tolist())))

    def validate(self, cost: float, parameters: Floats) -> None:
        """Note the cost on the points kept aside, just after :meth:`add`."""
        self.validation.append(cost)
        if self.best is None or cost < self.best.cost:
            self.best = Snapshot(self.steps, cost, tuple(parameters.tolist()))

    def end(self, parameters: Floats) -> None:
        """Keep a snapshot of the last step, too."""
        if not self.snapshots or self.snapshots[-1].step < self.steps:
            last = Snapshot(self.steps, self.costs[-1], tuple(parameters.tolist()))
            self.snapshots.append(last)

    def __repr__(self) -> str:
        cost = f", cost {self.costs[-1]:.6g}" if self.costs else ""
        return f"<History: {self.steps} steps, {self.outcome}{cost}>"


def is_snapshot_due(step: int) -> bool:
    """Whether a step is among the first 100, or one of 90 in its power of ten."""
    return step < 100 or step % 10 ** (len(str(step)) - 2) == 0
