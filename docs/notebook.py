"""Makes examples/course.ipynb of the first chapter: python docs/notebook.py [file].

It takes a kernel: pip install ipykernel nbclient nbformat.
"""

from __future__ import annotations

import doctest
import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tinygrad_lin._files import write_whole

CHAPTER = Path(__file__).parent / "course" / "one-weight.md"
NOTEBOOK = Path(__file__).parent.parent / "examples" / "course.ipynb"
GRAPH = "In a notebook, `draw` shows the graph of the cost, which the next section walks through."


def cells(chapter: str) -> list[nbformat.NotebookNode]:
    """The chapter's prose and snippets, in order; what is in hidden answers stays prose."""
    found = []
    for k, part in enumerate(re.split(r"^```pycon\n(.*?)^```$", chapter, flags=re.M | re.S)):
        if k % 2:
            examples = doctest.DocTestParser().get_examples(part)
            found.append(new_code_cell("".join(e.source for e in examples).strip()))
            if "half_mse(predictions" in part:
                found.append(new_markdown_cell(GRAPH))
                found.append(new_code_cell("from tinygrad_lin import draw\ndraw(cost)"))
        else:
            linked = re.sub(r"\]\((?:\.\./)(?=images)", "](../docs/", part)
            linked = re.sub(r"\]\((?=[\w-]+\.md)", "](../docs/course/", linked)
            found.append(new_markdown_cell(linked.strip()))
    for k, cell in enumerate(found):
        cell["id"] = f"cell-{k}"
    return found


def executed(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook with its outputs."""
    NotebookClient(notebook, kernel_name="python3", record_timing=False).execute()
    return notebook


def main(file: Path) -> None:
    """Write the notebook."""
    notebook = new_notebook(cells=cells(CHAPTER.read_text(encoding="utf-8")))
    notebook.metadata["kernelspec"] = {
        "display_name": "Python 3", "language": "python", "name": "python3"
    }  # fmt: skip
    executed(notebook)
    notebook.metadata.pop("language_info")  # it names the version of Python
    write_whole(file, (nbformat.writes(notebook) + "\n").encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else NOTEBOOK)
