"""Every colour of drawings, pages and plots. No other file of the package writes one down."""

from __future__ import annotations

from typing import NamedTuple


class Theme(NamedTuple):
    """The colours of a drawing.

    Blue and orange can be told apart by colour-blind eyes, and each is stronger for a larger
    gradient. No colour says anything alone: the sign and the size of a gradient are also written.
    """

    background: str
    ink: str
    quiet: str
    box: str
    leaf: str
    scope: str
    path: str
    positive: tuple[str, str, str]
    negative: tuple[str, str, str]


LIGHT = Theme(
    background="#ffffff", ink="#1f2933", quiet="#5f6b78", box="#fefefe", leaf="#fdf6e3",
    scope="#f4f6f8", path="#b3003c",
    positive=("#e4eff8", "#c3dcf0", "#9cc5e6"), negative=("#fbeadd", "#f7d3b8", "#f2b88e"),
)  # fmt: skip
DARK = Theme(
    background="#14181d", ink="#e6ebf0", quiet="#97a3b0", box="#1e242b", leaf="#2f2b1c",
    scope="#191e24", path="#ff7a9c",
    positive=("#20364a", "#24507a", "#2568a6"), negative=("#44301f", "#6b4120", "#8f5220"),
)  # fmt: skip
PRINT = Theme(
    background="#ffffff", ink="#000000", quiet="#595959", box="#fefefe", leaf="#fdfdfd",
    scope="#fcfcfc", path="#010101",
    positive=("#f2f2f2", "#e0e0e0", "#cccccc"), negative=("#f1f1f1", "#dfdfdf", "#cbcbcb"),
)  # fmt: skip
THEMES = {"light": LIGHT, "dark": DARK, "print": PRINT, "auto": LIGHT}
"""The themes of drawings by name. "auto" is light, and dark in a viewer that prefers dark."""


def colours(theme: Theme) -> list[str]:
    """All colours of a theme, in order."""
    return [c for entry in theme for c in ([entry] if isinstance(entry, str) else entry)]


PAGE_LIGHT = {
    "paper": LIGHT.background, "ink": LIGHT.ink, "quiet": "#52606d", "line": "#c5ccd3",
    "panel": LIGHT.scope, "leaf": LIGHT.leaf, "inner": LIGHT.background, "lit": "#fff0c2",
    "strong": "#a8430b", "accent": "#0b57a4",
}  # fmt: skip
PAGE_DARK = {
    "paper": DARK.background, "ink": DARK.ink, "quiet": "#a8b3be", "line": "#46515c",
    "panel": "#1d242b", "leaf": DARK.leaf, "inner": "#1d242b", "lit": "#5a4310",
    "strong": "#ffb46b", "accent": "#8cc4ff",
}  # fmt: skip
"""The colours of a page under the names that its style sheet has for them."""


def page_style() -> str:
    """The colours of a page as variables of CSS, dark where the viewer prefers it."""
    light, dark = (
        " ".join(f"--{name}: {colour};" for name, colour in colours.items())
        for colours in (PAGE_LIGHT, PAGE_DARK)
    )
    return f":root {{ {light} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"


# The colours of plots are Okabe and Ito's, which colour-blind eyes can tell apart, in greyscale
# too. Lines also differ in their dashes, and points in their markers.
POINTS = "#d55e00"
CURVE = "#0072b2"
OTHER = "#009e73"
FAINT = "#56b4e9"
INK = LIGHT.ink
GRID = "#d9dee3"
SIDES = ("#f7dfcf", "#d3e6f3")
"""The two sides of a decision boundary: that of the points, that of the curve."""
SHADES = "Blues"
"""The name of matplotlib's map of colours for heights and for the course of a training."""
