"""The folder that fit writes into."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cli.commands import FILES, fit, fit_json, refusal

QUICK = ["--lr", "0.18"]  # near the limit of the line


def test_the_folder_may_be_deep_or_there_already(here: Path) -> None:
    for _ in range(2):
        got = fit_json(*QUICK, "--out", "a/b")
        assert got["files"] == [str(Path("a", "b", name)) for name in FILES]
    assert sorted(p.name for p in (here / "a" / "b").iterdir()) == sorted(FILES)


def test_a_folder_that_may_not_be_written_is_noticed_before_training(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    assert str(here) in refusal(fit(*QUICK, "--out", "new/out"))
    assert not list(here.iterdir())


@pytest.mark.parametrize("name", FILES)
def test_a_folder_in_the_place_of_a_result_is_named_and_nothing_written(
    here: Path, name: str
) -> None:
    (here / "out" / name).mkdir(parents=True)
    assert str(Path("out", name)) in refusal(fit(*QUICK))
    assert [p.name for p in (here / "out").iterdir()] == [name]
