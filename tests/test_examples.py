"""Every example runs, prints what its sentences promise, and leaves its picture."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.mark.parametrize("script", sorted(EXAMPLES.rglob("*.py")), ids=lambda p: p.stem)
def test_it_is_short(script: Path) -> None:
    assert len(script.read_text(encoding="utf-8").splitlines()) <= 60


def test_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(EXAMPLES / "line.py"))
    out = capsys.readouterr().out
    assert "w = 0.4967, b = -0.1383" in out
    assert out.count("dC/dw = -84.4477") == 2  # ((0.8552 - 19) · 2 + (1.8486 - 35) · 4) / 2
    assert "lr = 0.18335" in out
    assert out.count("w = 8.000000, b = 3.000000") == 2
    assert (tmp_path / "line.svg").stat().st_size > 1000
