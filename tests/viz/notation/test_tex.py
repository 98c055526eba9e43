"""Formulas and names as TeX."""

from __future__ import annotations

import math

from tinygrad_lin import (
    Value,
    steps,
)


def test_tex_is_as_in_the_book(cost: tuple[Value, dict[str, Value]]) -> None:
    tex = steps(cost[0]).tex()
    assert r"C &= \frac{v_{3}}{2} = \frac{327.6}{2} = 163.8 \\" in tex
    assert (
        r"\frac{\partial C}{\partial w} &\mathrel{+}= \frac{\partial C}{\partial v_{1}} "
        r"\cdot \frac{\partial v_{1}}{\partial w} = -18.1 \cdot 2 = -36.2" in tex
    )
    assert tex.count("{") == tex.count("}")
    small = Value(1e-9, "w") * math.inf
    assert r"w &= 1 \times 10^{-9}" in steps(small).tex()
    assert r"\infty" in steps(small).tex()
