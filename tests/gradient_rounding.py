"""How far two gradients of one graph may lie apart by rounding alone."""

from __future__ import annotations

import math

import pytest

from tinygrad_lin import Value


def close(got: float, wanted: float, scale: float = 1.0) -> bool:
    return got == pytest.approx(wanted, rel=1e-9, abs=1e-9 * max(1.0, scale))


def size(nodes: list[Value]) -> float:
    """How large sums of gradients may get, for the rounding to be allowed."""
    return math.prod(1.0 + max(map(abs, node.partials), default=0.0) for node in nodes)
