"""What the Tab key completes."""

from __future__ import annotations

from cli.commands import run

from tinygrad_lin.nn.datasets import DATASETS


def completed(line: str) -> list[str]:
    """What bash is told at the end of a line: plain words, and whether files are wanted."""
    words = line.split(" ")
    done = run(
        env={
            "_TINYGRAD_LIN_COMPLETE": "bash_complete",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
        }
    )
    return [each.removeprefix("plain,") for each in done.stdout.splitlines() if each]


def test_names_of_sets_options_and_files_are_completed() -> None:
    assert completed("tinygrad-lin s") == ["steps", "sweep"]
    assert completed("tinygrad-lin fit no") == ["file,no", "norris"]
    assert {*DATASETS, "file,"} <= set(completed("tinygrad-lin sweep "))
    assert completed("tinygrad-lin fit --optimizer a") == ["adam"]
    assert "softplus" in completed("tinygrad-lin fit --activation s")
    assert completed("tinygrad-lin fit --hid") == ["--hidden"]
    assert completed("tinygrad-lin predict mo") == ["file,mo"]
    assert completed("tinygrad-lin predict model.json moo") == ["file,moo", "moons"]
