"""Graphviz in this process: what it gives, what it refuses, and that it is quiet."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tinygrad_lin.viz.drawing.rendering import (
    capture_stderr,
    configure_fonts,
    render_in_process,
)

SOURCE = 'digraph { a -> b [label="1.5"] }'


def texts(svg: bytes | None) -> list[str | None]:
    assert svg is not None
    return [text.text for text in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize(
    ("format", "begin"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("dot", b"dig")]
)
def test_graphviz_in_the_process_gives_every_format_asked_for(format: str, begin: bytes) -> None:
    content = render_in_process(SOURCE, format, "dot")
    assert isinstance(content, bytes)
    assert content.startswith(begin)


def test_a_rendered_drawing_shows_the_text_of_its_source() -> None:
    assert sorted(map(str, texts(render_in_process(SOURCE, "svg", "dot")))) == ["1.5", "a", "b"]


def test_text_beyond_ascii_survives() -> None:
    assert texts(render_in_process('graph { "Größe × 温度" }', "svg", "dot")) == ["Größe × 温度"]


def test_rendering_leaves_nothing_behind_for_the_next_call() -> None:
    first = render_in_process(SOURCE, "svg", "dot")
    render_in_process("digraph { rankdir=LR; other }", "svg", "neato")
    assert render_in_process(SOURCE, "svg", "dot") == first


@pytest.mark.parametrize(
    ("source", "format", "engine"),
    [
        ("digraph {", "svg", "dot"),
        ("this is no graph", "svg", "dot"),
        ("", "svg", "dot"),
        (SOURCE, "nonsense", "dot"),
        (SOURCE, "svg", "nonsense"),
    ],
)
def test_source_that_graphviz_cannot_draw_is_a_valueerror_and_nothing_on_stderr(
    capfd: pytest.CaptureFixture[str], source: str, format: str, engine: str
) -> None:
    with pytest.raises(ValueError, match=f"cannot draw this as '{format}'"):
        render_in_process(source, format, engine)
    assert capfd.readouterr() == ("", "")
    assert render_in_process(SOURCE, "svg", "dot")  # and the next call works


def test_rendering_without_pygraphviz_gives_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    assert render_in_process(SOURCE, "svg", "dot") is None


def test_threads_that_render_take_turns() -> None:
    results: list[bytes | None] = []
    threads = [
        threading.Thread(target=lambda: results.append(render_in_process(SOURCE, "svg", "dot")))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert len(set(results)) == 1


def test_the_fonts_of_matplotlib_are_found() -> None:
    import matplotlib

    before = os.environ.get("FONTCONFIG_FILE")
    with configure_fonts():
        path = os.environ["FONTCONFIG_FILE"]
        folders = [str(each.text) for each in ET.parse(path).iter("dir")]
        assert matplotlib.get_data_path() + "/fonts/ttf" in folders
        assert all(map(os.path.isdir, folders))
    assert not os.path.exists(path)
    assert os.environ.get("FONTCONFIG_FILE") == before


def test_what_c_libraries_write_to_stderr_is_captured(capfd: pytest.CaptureFixture[str]) -> None:
    with capture_stderr() as said:
        os.write(2, b"a warning\n  of a library\n")
        assert said() == "a warning of a library"
    os.write(2, b"after")
    assert capfd.readouterr().err == "after"


def test_stderr_comes_back_after_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyError), capture_stderr():
        raise KeyError
    os.write(2, b"after")
    assert capfd.readouterr().err == "after"


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
def test_a_process_without_stderr_can_draw() -> None:
    code = (
        "from tinygrad_lin.viz.drawing.rendering import render_in_process\n"
        "print(len(render_in_process('digraph { a }', 'svg', 'dot')))"
    )
    result = subprocess.run(
        ["/bin/sh", "-c", '"$0" -c "$1" 2>&-', sys.executable, code],
        capture_output=True,
        check=False,
    )
    assert result.returncode == 0
    assert int(result.stdout) > 100


def test_folders_of_any_name_are_found_for_fonts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "a & <b>"
    (home / ".fonts").mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(home))
    monkeypatch.setenv("HOME", str(home))
    with configure_fonts():
        root = ET.parse(os.environ["FONTCONFIG_FILE"]).getroot()
    assert str(home / ".fonts") in [element.text for element in root.iter("dir")]
    assert (root.findtext("cachedir") or "").startswith(str(home))
