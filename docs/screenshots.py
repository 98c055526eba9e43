"""Photographs the page that `tinygrad-lin play line` writes: python docs/screenshots.py [folder].

It takes a browser: pip install playwright, and Chromium on the PATH.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from click.testing import CliRunner
from playwright.sync_api import sync_playwright

from tinygrad_lin.cli import main as tinygrad_lin

IMAGES = Path(__file__).parent / "images"
STEPS = 60  # of training, when the pictures are taken


def main(folder: Path) -> None:
    """Write page-light.png and page-dark.png."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        page_file = Path(place) / "line.html"
        CliRunner().invoke(tinygrad_lin, ["play", "line", "-o", str(page_file)])
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            page = browser.new_page(viewport={"width": 1100, "height": 1240}, color_scheme=scheme)
            page.goto(page_file.as_uri())
            for _ in range(STEPS):
                page.get_by_role("button", name="Update", exact=True).click()
            page.screenshot(path=folder / f"page-{scheme}.png")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES)
