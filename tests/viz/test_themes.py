"""The colours: contrast, order in greyscale, one place for all of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tinygrad_lin import Value, page, viz
from tinygrad_lin.viz.themes import DARK, LIGHT, PAGE_DARK, PAGE_LIGHT, PRINT


def test_no_other_file_writes_a_colour_down() -> None:
    for path in Path(viz.__file__).parent.rglob("*"):
        if path.suffix in {".py", ".css", ".html", ".js"} and path.name != "themes.py":
            text = path.read_text(encoding="utf-8")
            assert not re.findall(r"#[0-9a-fA-F]{6}\b|#[0-9a-fA-F]{3}\b|rgba?\(|hsl\(", text), path


def test_a_page_has_the_colours_of_the_themes(tmp_path: Path) -> None:
    page(Value(1.0, "x"), tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    style = text[text.index("<style>") : text.index("</style>")]
    light, dark = style.split("@media (prefers-color-scheme: dark)")
    used = set(re.findall(r"var\(--(\w+)\)", style)) - {"plus", "minus"}
    assert used == set(PAGE_LIGHT) == set(PAGE_DARK)
    assert all(f"--{name}: {colour};" in light for name, colour in PAGE_LIGHT.items())
    assert all(f"--{name}: {colour};" in dark for name, colour in PAGE_DARK.items())


def luminance(colour: str) -> float:
    """As the Web Content Accessibility Guidelines 2.2 define it."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK, PRINT])
def test_text_has_enough_contrast_in_every_theme(theme: Any) -> None:
    backgrounds = [theme.background, theme.box, theme.leaf, theme.scope]
    for ground in (*backgrounds, *theme.positive, *theme.negative):
        assert contrast(theme.ink, ground) >= 4.5, ground
    for ground in backgrounds:
        assert contrast(theme.quiet, ground) >= 4.5, ground


def test_in_greyscale_larger_gradients_are_stronger() -> None:
    for theme in (LIGHT, PRINT):
        for tints in (theme.positive, theme.negative):
            values = [luminance(tint) for tint in tints]
            assert values == sorted(values, reverse=True)
            assert values[0] - values[2] > 0.15
