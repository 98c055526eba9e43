"""A Drawing: DOT source that becomes pictures and files, with or without a ``dot`` binary."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import graphviz

from tinygrad_lin._files import write_whole
from tinygrad_lin.errors import DataError
from tinygrad_lin.viz.drawing.rendering import render_in_process
from tinygrad_lin.viz.themes import DARK, LIGHT, colours

if TYPE_CHECKING:
    import os

    class Digraph:
        """The class of the graphviz package, which comes without types."""

        pipe: Any

        def __init__(self, *given: Any, **named: Any) -> None: ...
        def __getattr__(self, name: str) -> Any: ...
else:
    from graphviz import Digraph

SUFFIXES = ("svg", "png", "pdf", "dot", "gv")
MAX_QUICK_BOXES = 300
"""Graphviz takes seconds to lay out this many boxes, and minutes for two thousand."""


class Drawing(Digraph):
    """A drawn graph: a ``graphviz.Digraph`` that needs no ``dot`` binary.

    It shows itself in a notebook; ``pipe``, ``render`` and :meth:`write` make files.
    """

    theme = "light"
    boxes = 0

    def pipe(
        self,
        format: str | None = None,
        *args: Any,
        engine: str | None = None,
        encoding: str | None = None,
        **options: Any,
    ) -> Any:
        """The drawing in a format such as "svg", as bytes, or as a str if an encoding is given."""
        if args or options:  # Only the dot binary has renderers and formatters.
            return super().pipe(format, *args, engine=engine, encoding=encoding, **options)
        if self.boxes > MAX_QUICK_BOXES:
            warnings.warn(
                f"the layout of {self.boxes:,} boxes takes Graphviz "
                f"{'many minutes' if self.boxes > 1500 else 'a while'}; "
                'draw(value, fold="auto") folds what is alike',
                UserWarning,
                stacklevel=2,
            )
        content = render_in_process(self.source, format or self.format, engine or self.engine)
        if content is None:
            try:
                return super().pipe(format, engine=engine, encoding=encoding)
            except graphviz.ExecutableNotFound:
                raise OSError(
                    "no Graphviz to draw with: install pygraphviz (pip install pygraphviz), "
                    "or Graphviz itself (apt install graphviz, brew install graphviz)"
                ) from None
        if self.theme == "auto" and (format or self.format) == "svg":
            content = follow_the_viewer(content)
        return content.decode(encoding) if encoding else content

    def render(
        self,
        filename: str | os.PathLike[str] | None = None,
        directory: str | os.PathLike[str] | None = None,
        view: bool = False,
        cleanup: bool = False,
        format: str | None = None,
        *args: Any,
        outfile: str | os.PathLike[str] | None = None,
        engine: str | None = None,
        **options: Any,
    ) -> str:
        """Save the DOT source and the drawing beside it; gives the drawing's path.

        As in the graphviz package: ``render("line")`` writes ``line`` and ``line.svg``, for svg
        is the format of what :func:`draw` gives.
        """
        format = format or (Path(outfile).suffix[1:] if outfile else self.format)
        content = self.pipe(format, *args, engine=engine, **options)
        if outfile and not filename:
            filename = Path(outfile).with_suffix(".gv")
        saved = Path(self.save(filename, directory=directory))
        target = Path(outfile) if outfile else saved.with_name(f"{saved.name}.{format}")
        write_whole(target, content)
        if cleanup:
            saved.unlink()
        if view:
            graphviz.view(str(target))
        return str(target)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the drawing to a file whose suffix is .svg, .png, .pdf or .dot.

        Raises:
            DataError: the suffix is none of these.
            OSError: the file cannot be written.
        """
        suffix = Path(path).suffix.lower()[1:]
        if suffix not in SUFFIXES:
            raise DataError(f"cannot draw to {str(path)!r}: the suffix must be one of {SUFFIXES}")
        write_whole(path, self.source.encode() if suffix in ("dot", "gv") else self.pipe(suffix))


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
