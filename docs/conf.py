"""How the docs become a site: sphinx-build -W docs build/docs."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util.docutils import SphinxDirective

sys.path.insert(0, str(Path(__file__).parent))

from derivatives import table

import tinygrad_lin
from tinygrad_lin import Linear, Value, half_mse, page

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "tinygrad_lin"
copyright = "the tinygrad_lin developers"
release = tinygrad_lin.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "tinygrad_lin"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_copy_source = False
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"


class Derivatives(SphinxDirective):
    """The table of derivatives, from its rows."""

    def run(self) -> list[nodes.Node]:
        """Markdown, for Markdown is what the page is written in."""
        return self.parse_text_to_nodes(table())


def add_navigation(app: Sphinx, name: str, source: list[str]) -> None:
    """Make the lists of links on the first page the navigation of the site."""
    if name != "index":
        return
    _, *parts = re.split(r"^## ", source[0], flags=re.MULTILINE)
    for part in parts:
        caption = part.partition("\n")[0]
        pages = re.findall(r"^[-\d.]+ \[(.+)\]\((\S+)\.md\)", part, re.MULTILINE)
        entries = "\n".join(f"{title} <{target}>" for title, target in pages)
        source[0] += f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{entries}\n```\n"


def trim(app: Sphinx, document: nodes.document) -> None:
    """Leave out the empty line that ends a doctest."""
    for block in document.findall(nodes.literal_block):
        block.rawsource = block.astext().rstrip()
        block[:] = [nodes.Text(block.rawsource)]


def write_pages(app: Sphinx, error: Exception | None) -> None:
    """Write the pages to step through, which the course embeds."""
    if error or app.builder.name != "html":
        return
    folder = Path(app.outdir) / "pages"
    folder.mkdir(exist_ok=True)
    w, x, b = Value(0.5, "w"), Value(2.0, "x"), Value(-0.1, "b")
    a = w * x + b
    cost = (19.0 - a) ** 2 / 2.0
    a.label, cost.label = "a", "C"
    page(cost, folder / "point.html", title="The cost of one point")
    line, points = Linear(), ([2.0, 4.0], [19.0, 35.0])
    cost = half_mse([line(x) for x in points[0]], points[1])
    page(cost, folder / "line.html", title="The line y = 8x + 3", model=line, data=points)


def math(self: Any, node: nodes.math | nodes.math_block) -> None:
    """Formulas as MathML, which browsers draw without a script or a network."""
    self.body.append(tex2mathml(node.astext(), as_block=isinstance(node, nodes.math_block)))
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """What Sphinx calls."""
    app.add_directive("derivatives", Derivatives)
    app.add_html_math_renderer("mathml", (math, None), (math, None))
    app.connect("source-read", add_navigation)
    app.connect("doctree-read", trim)
    app.connect("build-finished", write_pages)
