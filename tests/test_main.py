"""python -m tinygrad_lin, before the command line is loaded."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import NoReturn

import pytest


def test_ctrl_c_while_libraries_load_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Loading(ModuleType):
        def __getattr__(self, name: str) -> NoReturn:
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "tinygrad_lin.cli", Loading("tinygrad_lin.cli"))
    with pytest.raises(SystemExit) as ended:
        import_module("tinygrad_lin.__main__").main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == "Error: interrupted\n"
