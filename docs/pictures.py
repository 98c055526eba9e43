"""Makes the pictures of the README and the docs: python docs/pictures.py [folder]."""

from __future__ import annotations

import sys
from pathlib import Path

from tinygrad_lin import Value, draw

IMAGES = Path(__file__).parent / "images"


def cost() -> Value:
    """The README's example."""
    w, x, b = Value(0.5, "w"), Value(2.0, "x"), Value(-0.1, "b")
    a = w * x + b
    a.label = "a"
    result = (19 - a) ** 2 / 2
    result.label = "C"
    result.backward()
    return result


def main(folder: Path) -> None:
    """Write all pictures to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    draw(cost()).write(folder / "cost.svg")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES)
