"""The colours of drawings: for screens, light and dark, and for paper."""

from __future__ import annotations

from typing import NamedTuple


class Theme(NamedTuple):
    """What has which colour.

    Blue and orange stay apart for colour-blind eyes, and each is stronger for a larger gradient. No
    colour says anything alone: the sign and the size of a gradient are also written.
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
    background="#ffffff",
    ink="#1f2933",
    quiet="#5f6b78",
    box="#fefefe",
    leaf="#fdf6e3",
    scope="#f4f6f8",
    path="#b3003c",
    positive=("#e4eff8", "#c3dcf0", "#9cc5e6"),
    negative=("#fbeadd", "#f7d3b8", "#f2b88e"),
)
DARK = Theme(
    background="#14181d",
    ink="#e6ebf0",
    quiet="#97a3b0",
    box="#1e242b",
    leaf="#2f2b1c",
    scope="#191e24",
    path="#ff7a9c",
    positive=("#20364a", "#24507a", "#2568a6"),
    negative=("#44301f", "#6b4120", "#8f5220"),
)
PRINT = Theme(
    background="#ffffff",
    ink="#000000",
    quiet="#595959",
    box="#fefefe",
    leaf="#fdfdfd",
    scope="#fcfcfc",
    path="#010101",
    positive=("#f2f2f2", "#e0e0e0", "#cccccc"),
    negative=("#f1f1f1", "#dfdfdf", "#cbcbcb"),
)
THEMES = {"light": LIGHT, "dark": DARK, "print": PRINT, "auto": LIGHT}
"""By name; "auto" is light, and dark in a viewer that prefers that (see `follow_the_viewer`)."""


def colours(theme: Theme) -> list[str]:
    """All colours of a theme, in order."""
    found: list[str] = []
    for entry in theme:
        found += [entry] if isinstance(entry, str) else entry
    return found


def follow_the_viewer(svg: bytes) -> bytes:
    """An SVG in light colours that turns dark where the viewer prefers it.

    No two colours of the light theme are the same, so each can be replaced by its own dark one.
    """
    rules = "".join(
        f'[{part}="{light}"]{{{part}:{dark}}}'
        for light, dark in zip(colours(LIGHT), colours(DARK))
        for part in ("fill", "stroke")
    )
    style = f"<style>@media (prefers-color-scheme:dark){{{rules}}}</style>"
    begin = svg.index(b">", svg.index(b"<svg")) + 1
    return svg[:begin] + style.encode() + svg[begin:]
