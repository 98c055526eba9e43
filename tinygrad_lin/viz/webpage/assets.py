"""The files that pages are made of, which stand beside this one."""

from __future__ import annotations

from importlib.resources import files


def read_asset(name: str) -> str:
    """The text of a file of HTML, CSS or JavaScript."""
    return (files("tinygrad_lin.viz.webpage") / name).read_text(encoding="utf-8")
