"""A browser, and pages that are opened in it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from viz.webpage.pages import Opened

from tinygrad_lin import Value, page

if TYPE_CHECKING:
    from playwright.sync_api import Browser


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no chromium")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Opened]]:
    tabs: list[Opened] = []

    def open_page(value: Value, *, browser_options: Any = None, **options: Any) -> Opened:
        path = tmp_path / f"{len(tabs)}.html"
        page(value, path, **options)
        tabs.append(Opened(browser, path, **(browser_options or {})))
        return tabs[-1]

    yield open_page
    for each in tabs:
        assert not each.said
        assert len(each.asked) == 1  # the file itself
        each.tab.close()
