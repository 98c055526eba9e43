"""fit interrupted, by Ctrl-C or worse, and going on from its checkpoint."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cli.commands import (
    COMMAND,
    FILES,
    B,
    Learned,
    Terminal,
    W,
    fit,
    fit_json,
    history_numbers,
    refusal,
)

from tinygrad_lin import Linear
from tinygrad_lin.nn.training import loop

NET = ["sine", "--hidden", "4", "--optimizer", "adam"]
posix = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX system")


def files(folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


# Progress and Ctrl-C


@posix
def test_on_a_terminal_there_is_a_progress_bar(terminal: Callable[..., Terminal]) -> None:
    running = terminal("fit", "--steps", "30000", "--json")
    stdout = running.finish()
    assert running.process.returncode == 0
    assert b"training" in running.seen
    assert b"%" in running.seen
    assert "━".encode() in running.seen
    assert json.loads(stdout)["steps"] == 30_000  # and the results are apart from it


def test_in_a_pipe_there_is_no_progress_bar(line: Learned) -> None:
    assert line.printed.stderr == ""
    assert "training" not in line.printed.stdout
    assert "━" not in line.printed.stdout


@posix
def test_ctrl_c_on_a_terminal_keeps_what_was_learned(
    terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    running = terminal("fit", "--steps", "3000000", "--tolerance", "0")
    running.read(lambda seen: seen.count(b"training") >= 3)
    running.process.send_signal(signal.SIGINT)
    stdout = running.finish()
    assert running.process.returncode == 0
    assert b"interrupted" in stdout
    assert b"Traceback" not in running.seen
    model = Linear()
    model.load(tmp_path / "out" / "model.json")
    assert [p.data for p in model.parameters()] != [W, B]


def test_ctrl_c_after_some_steps_keeps_what_was_learned(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pressed(*_: int) -> Iterator[int]:
        yield from range(4)
        raise KeyboardInterrupt

    monkeypatch.setattr(loop, "progress", pressed)
    assert "interrupted" in fit().stdout
    got = fit_json()
    assert got["steps"] == 3
    assert got["converged"] is False
    # The files hold what was learned when the cost was last known.
    assert history_numbers(here / "out" / "history.csv")[-1][0] == 3.0


def test_ctrl_c_before_the_first_step_is_no_traceback(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pressed(*_: int) -> Iterator[int]:
        raise KeyboardInterrupt
        yield 0

    monkeypatch.setattr(loop, "progress", pressed)
    assert refusal(fit(), code=130) == "Error: interrupted"
    assert not list(here.iterdir())


# --resume


@pytest.mark.parametrize(
    "more",
    [
        NET,
        [*NET, "--batch", "7", "--validation", "0.2", "--standardize"],
        ["norris", "--optimizer", "momentum", "--tolerance", "0"],
        ["line", "--optimizer", "newton", "--lr", "0.1"],
    ],
    ids=" ".join,
)
def test_going_on_with_more_steps_is_the_same_as_all_at_once(more: list[str]) -> None:
    first = fit(*more, "--steps", "20")
    assert "--resume" in first.stdout
    fit_json(*more, "--steps", "45", "--resume")
    fit_json(*more, "--steps", "45", "--out", "at once")
    assert files("out") == files("at once")


def test_ctrl_c_and_resume_give_the_same_as_without(monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(start: int, steps: int) -> Iterator[int]:
        yield from range(start, 13)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(loop, "progress", pressed)
        said = fit(*NET, "--steps", "30").stdout
    assert "12 (interrupted)" in said
    assert "--resume" in said
    fit_json(*NET, "--steps", "30", "--resume")
    fit_json(*NET, "--steps", "30", "--out", "at once")
    assert files("out") == files("at once")


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX system")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_training_whose_process_was_stopped_can_be_resumed(number: signal.Signals) -> None:
    endless = ["--tolerance", "0", "--steps", "100000000"]
    command = [*COMMAND, "fit", *endless]
    # A shell's background job, as we may be, ignores Ctrl-C and would hand that on.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    signal.signal(signal.SIGINT, before)
    deadline = time.monotonic() + 60.0
    while not Path("out/checkpoint.json").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(number)
    _, stderr = process.communicate()
    assert process.returncode == (0 if number == signal.SIGINT else -signal.SIGKILL)
    assert b"Traceback" not in stderr
    step = json.loads(Path("out/checkpoint.json").read_text(encoding="utf-8"))["step"]
    assert step >= 1000
    more = ["--tolerance", "0", "--steps", str(step + 100)]
    fit_json(*more, "--resume")
    fit_json(*more, "--out", "at once")
    assert files("out") == files("at once")


def test_a_finished_training_leaves_no_checkpoint() -> None:
    fit_json("--optimizer", "newton")
    assert sorted(files("out")) == sorted(FILES)
    assert "no checkpoint.json in out" in refusal(fit("--optimizer", "newton", "--resume"))


def test_resume_without_a_checkpoint_makes_nothing() -> None:
    assert "no checkpoint.json in deep/out" in refusal(fit("--resume", "--out", "deep/out"))
    assert not list(Path.cwd().iterdir())


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ([*NET, "--lr", "0.5"], "optimizer"),
        ([*NET, "--batch", "3"], "batch_size"),
        ([*NET, "--activation", "relu"], "model"),
        ([*NET, "--seed", "7"], "rng"),
        (["stair", *NET[1:]], "other points"),
        (["line"], "model"),
        ([*NET, "--steps", "4"], "more steps than 4"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused(more: list[str], said: str) -> None:
    fit_json(*NET, "--steps", "5")
    before = files("out")
    assert said in refusal(fit(*more, "--resume"))
    assert files("out") == before


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff", b'{"format": 1}'])
def test_a_broken_checkpoint_is_refused(content: bytes) -> None:
    Path("out").mkdir()
    Path("out/checkpoint.json").write_bytes(content)
    assert "out/checkpoint.json is not a checkpoint" in refusal(fit("--resume"))


def test_divergence_leaves_no_checkpoint_to_go_on_with() -> None:
    result = fit("--lr", "0.184")  # so slowly that one has been written on the way
    assert result.exit_code == 1
    assert int(result.stderr.partition("at step ")[2].split()[0]) > 1000
    assert not list(Path.cwd().iterdir())
