"""Names of nodes."""

from __future__ import annotations

from tinygrad_lin import (
    Value,
    steps,
    total,
)


def test_names_never_collide() -> None:
    leaves = [Value(1.0, label) for label in ("v1", "v2", "a", "a", "a₁", "", "v3", "a", "", "a₂")]
    names = steps(total(leaves)).names
    assert names[leaves[0]] == "v1"
    assert names[leaves[4]] == "a₁"
    assert len(set(names.values())) == len(leaves) + 1
    long = [Value(1.0, "y" * 50 + str(k)) for k in range(3)]
    assert len(set(steps(total(long)).names.values())) == 4
    tex = steps(total([Value(1.0, "v[1]"), Value(2.0), Value(3.0, "w[0,1]")])).tex()
    assert "w_{0,1} &= 3" in tex
    assert r"\text{v[1]} &= 1" in tex
    assert r"\text{v1} &= 2" in tex
