"""Our optimizers beside PyTorch's, step by step: python tests/benchmarks/optimizers.py.

Both train the same net on the same points from the same start, each with its own gradients. Prints
the largest difference of any parameter after any step, and fails where it is not rounding.
"""

from __future__ import annotations

import math
from typing import Any

import torch

from tinygrad_lin import MLP, SGD, Adam, Momentum, binary_cross_entropy, half_mse, hinge

STEPS = 200
SIZES = [2, 8, 8, 1]
X = [[math.cos(k), math.sin(3 * k)] for k in range(20)]
PAIRS: dict[str, tuple[Any, Any]] = {
    "SGD": (lambda w: SGD(w, 0.1), lambda w: torch.optim.SGD(w, 0.1)),
    "Momentum": (lambda w: Momentum(w, 0.05), lambda w: torch.optim.SGD(w, 0.05, momentum=0.9)),
    "Adam": (lambda w: Adam(w, 0.01), lambda w: torch.optim.Adam(w, 0.01)),
}
LOSSES: dict[str, tuple[Any, Any, Any]] = {
    "half_mse": (half_mse, lambda a, y: ((y - a) ** 2).mean() / 2, lambda x: x[0] * x[1]),
    "cross-entropy": (
        binary_cross_entropy,
        torch.nn.functional.binary_cross_entropy_with_logits,
        lambda x: float(x[0] > x[1]),
    ),
    "hinge": (
        hinge,
        lambda z, y: torch.clamp(1 - y * z, min=0).mean(),
        lambda x: 1.0 if x[0] > x[1] else -1.0,
    ),
}


def difference(ours: Any, theirs: Any, loss: Any, their_loss: Any, targets: list[float]) -> float:
    """The largest difference of a parameter on the way."""
    net = MLP(SIZES)
    tensors = []
    for layer in net.layers:
        rows = [[w.data for w in row] for row in layer.w]
        for data in (rows, [b.data for b in layer.b]):
            tensors.append(torch.tensor(data, dtype=torch.float64, requires_grad=True))
    optimizer, their_optimizer = ours(net.parameters()), theirs(tensors)
    x, y = (torch.tensor(data, dtype=torch.float64) for data in (X, targets))
    largest = 0.0
    for _ in range(STEPS):
        for parameter in net.parameters():
            parameter.grad = 0.0
        cost = loss([net(row) for row in X], targets)
        cost.backward()
        optimizer.step(cost)
        their_optimizer.zero_grad()
        signal = x
        for w, b in zip(tensors[::2], tensors[1::2]):
            signal = signal @ w.T + b
            if b is not tensors[-1]:
                signal = torch.tanh(signal)
        their_loss(signal[:, 0], y).backward()
        their_optimizer.step()
        flat = [number for tensor in tensors for number in tensor.flatten().tolist()]
        gaps = [abs(p.data - number) for p, number in zip(net.parameters(), flat)]
        largest = max(largest, *gaps)
    return largest


if __name__ == "__main__":
    for loss_name, (loss, their_loss, truth) in LOSSES.items():
        for name, (ours, theirs) in PAIRS.items():
            gap = difference(ours, theirs, loss, their_loss, [truth(x) for x in X])
            print(f"{loss_name:14} {name:9} {gap:.1e}")
            if not gap < 1e-9:
                raise SystemExit("that is more than rounding")
