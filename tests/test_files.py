"""Files are written whole or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tinygrad_lin import _files
from tinygrad_lin._files import clear_drafts, write_whole


@pytest.fixture
def kept_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_a_file_is_made_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, b"old\r\n\0")
    assert path.read_bytes() == b"old\r\n\0"
    write_whole(str(path), b"")
    assert path.read_bytes() == b""
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_readers_of_the_old_file_keep_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, b"old content")
    with path.open("rb") as reader:
        write_whole(path, b"new")
        assert reader.read() == b"old content"
    assert path.read_bytes() == b"new"


def test_a_name_without_a_folder_is_beside_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_whole("file", b"content")
    assert (tmp_path / "file").read_bytes() == b"content"


def test_a_file_may_have_the_longest_name_a_folder_takes(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    path.write_bytes(b"old")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("call", ["replace", "fsync"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_after_an_error_the_old_file_stands_and_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, error: BaseException
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(*_: Any, **__: Any) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(os, call, fail)
        with pytest.raises(type(error)):
            write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    target.mkdir()
    (target / "inside").write_bytes(b"kept")
    with pytest.raises(OSError, match="folder"):
        write_whole(target, b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]
    assert (target / "inside").read_bytes() == b"kept"


def test_a_folder_that_is_missing_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "nowhere" / "file", b"new")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
@pytest.mark.usefixtures("kept_umask")
def test_rights_follow_the_umask_which_stays(tmp_path: Path, mask: int, mode: int) -> None:
    os.umask(mask)
    write_whole(tmp_path / "file", b"content")
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode
    assert os.umask(mask) == mask


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_a_file_that_was_there_keeps_its_rights(tmp_path: Path, mode: int) -> None:
    path, link = tmp_path / "file", tmp_path / "link"
    path.write_bytes(b"old")
    path.chmod(mode)
    link.symlink_to(path)
    write_whole(link, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
@pytest.mark.usefixtures("kept_umask")
def test_nobody_else_reads_a_file_before_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes: list[int] = []
    fsync = os.fsync

    def look(handle: int) -> None:
        modes.append(stat.S_IMODE(os.fstat(handle).st_mode))
        fsync(handle)

    os.umask(0)
    monkeypatch.setattr(os, "fsync", look)
    write_whole(tmp_path / "file", b"content")
    assert modes == [0o600]


def test_a_link_into_nothing_makes_what_it_leads_to(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("target")  # relative to the link, wherever we are
    write_whole(link, b"content")
    assert link.is_symlink()
    assert (tmp_path / "target").read_bytes() == b"content"


def test_links_in_a_circle_are_an_error(tmp_path: Path) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / name).symlink_to(tmp_path / other)
    with pytest.raises(OSError, match="links"):
        write_whole(tmp_path / "a", b"content")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    link, target = tmp_path / "link", tmp_path / "folder" / "target"
    link.symlink_to(target)
    for content in (b"new through a link", b"and replaced"):
        write_whole(link, content)
        assert link.is_symlink()
        assert target.read_bytes() == content
    assert [p.name for p in target.parent.iterdir()] == ["target"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such pipes")
def test_a_pipe_is_written_to_and_stays(tmp_path: Path) -> None:
    """Devices go the same way; a test that fails must not replace a real one."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_whole(pipe, b"content")
        assert os.read(reader, 100) == b"content"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_a_stream_led_into_a_file_keeps_what_stands_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_files, "STREAMS", (tmp_path / "dev",))
    (tmp_path / "dev").mkdir()
    log, stdout = tmp_path / "log", tmp_path / "dev" / "stdout"
    log.write_bytes(b"before, ")
    stdout.symlink_to(log)
    write_whole(stdout, b"after")
    assert log.read_bytes() == b"before, after"
    assert stdout.is_symlink()


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot ask for a process without harm")
def test_drafts_of_processes_that_are_no_more_are_cleared(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    gone = tmp_path / f".tinygrad_lin-{process.pid}-0"
    kept = [
        tmp_path / f".tinygrad_lin-{os.getpid()}-0",
        tmp_path / ".tinygrad_lin-mine-0",
        tmp_path / f".tinygrad_lin-{10**30}-0",
        tmp_path / "model.json",
    ]
    for file in (gone, *kept):
        file.touch()
    clear_drafts(tmp_path)
    assert set(tmp_path.iterdir()) == set(kept)
