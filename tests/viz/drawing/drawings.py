"""What is in a drawing, for the tests of this folder."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from typing import Any

import numpy
import pygraphviz
from PIL import Image

from tinygrad_lin import Drawing

SVG = "{http://www.w3.org/2000/svg}"


CLEAN_ENVIRONMENT = {
    name: value for name, value in os.environ.items() if not name.startswith(("PATH", "FONTCONFIG"))
}


def parsed(drawing: Drawing) -> Any:
    """The drawing as Graphviz reads it."""
    return pygraphviz.AGraph(string=drawing.source)


def shown(svg: bytes) -> list[str]:
    """The texts in an SVG, and proof that it is one."""
    root = ET.fromstring(svg)
    assert root.tag == f"{SVG}svg"
    return [(text.text or "").replace("\xa0", " ").strip() for text in root.iter(f"{SVG}text")]


def dark_pixels(png: bytes) -> int:
    with Image.open(io.BytesIO(png)) as image:
        return int((numpy.asarray(image.convert("L")) < 100).sum())


def run(code: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Python in a process of its own, without PATH."""
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        env={**CLEAN_ENVIRONMENT, "PATH": "", **environment},
        check=False,
    )
