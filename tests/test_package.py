"""The package as a whole: its names, its weight, its words, its types."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest
import stub
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import tinygrad_lin
from tinygrad_lin import TABLE, TinygradError
from tinygrad_lin._fast import PLAIN

PACKAGE = Path(tinygrad_lin.__file__).parent
HEAVY = {"numpy", "graphviz", "pygraphviz", "matplotlib", "hypothesis", "click", "rich"}


def python(code: str, *flags: str) -> str:
    result = subprocess.run(
        [sys.executable, *flags, "-c", code], capture_output=True, text=True, check=True
    )
    return result.stdout.strip()


def test_all_names_exist_and_are_sorted_into_the_star() -> None:
    namespace: dict[str, object] = {}
    exec("from tinygrad_lin import *", namespace)
    assert set(tinygrad_lin.__all__) <= set(namespace)
    assert len(set(tinygrad_lin.__all__)) == len(tinygrad_lin.__all__)
    assert set(tinygrad_lin.__all__) <= set(dir(tinygrad_lin))
    with pytest.raises(AttributeError, match="no attribute 'missing'"):
        tinygrad_lin.missing


def test_every_function_of_the_design_is_there() -> None:
    functions = (
        "exp log log1p expm1 sqrt sin cos tan tanh atan sigmoid softplus relu abs "
        "minimum maximum dot total"
    )
    assert set(functions.split()) <= set(tinygrad_lin.__all__)
    for name in functions.split()[:-2]:
        assert callable(getattr(tinygrad_lin.Value, name))
    assert "add" not in tinygrad_lin.__all__  # operators are written as such


def test_importing_it_loads_the_standard_library_only() -> None:
    loaded = python("import sys, tinygrad_lin; print(' '.join(sys.modules))").split()
    assert not HEAVY & set(loaded)
    folders = {name.split(".")[1] for name in loaded if name.startswith("tinygrad_lin.")}
    assert folders.isdisjoint({"check", "cli", "compiler", "nn", "viz"})


def test_importing_it_loads_none_of_the_slower_modules_and_compiles_no_function() -> None:
    code = "import sys, tinygrad_lin; print(' '.join(sys.modules), *tinygrad_lin.ops.FUNCTIONS)"
    loaded = set(python(code).split())
    assert loaded.isdisjoint({"functools", "threading", "typing", "re", "weakref", "linecache"})
    assert PLAIN or loaded.isdisjoint(TABLE)


MAX_FILE, MAX_FUNCTION = 400, 40
MAX_ESSENTIAL, MAX_ESSENTIAL_CODE = 600, 350


def test_files_and_functions_stay_short() -> None:
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") <= MAX_FILE, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                assert node.end_lineno - node.lineno < MAX_FUNCTION, (path, node.name)


def test_the_essential_text_is_read_in_one_sitting() -> None:
    """The table, the Value and the backward pass, with docstrings and without."""
    texts = [(PACKAGE / f"{name}.py").read_text("utf-8") for name in ("ops", "value", "reverse")]
    docstrings = [
        node.body[0]
        for node in chain.from_iterable(ast.walk(ast.parse(text)) for text in texts)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node)
    ]
    lines = sum(text.count("\n") for text in texts)
    documentation = sum((d.end_lineno or 0) - d.lineno + 1 for d in docstrings)
    assert lines <= MAX_ESSENTIAL
    assert lines - documentation <= MAX_ESSENTIAL_CODE


def test_no_file_of_the_package_lists_the_operations_again() -> None:
    """Outside the table, no file names more than a few of its rows in its strings."""
    names = set(TABLE) - {"abs", "total", "dot"}
    for path in PACKAGE.rglob("*.py"):
        if path.name == "ops.py":
            continue
        texts = {
            node.value
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        assert len(names & texts) <= 3, path


def test_errors_are_also_the_built_in_ones() -> None:
    for name, builtin in {
        "OperandError": TypeError,
        "DomainError": ValueError,
        "DataError": ValueError,
        "ExpressionError": ValueError,
        "DivergedError": ArithmeticError,
        "GradientMismatch": AssertionError,
    }.items():
        error = getattr(tinygrad_lin, name)
        assert issubclass(error, TinygradError)
        assert issubclass(error, builtin)


def test_the_types_of_the_methods_are_those_of_the_table() -> None:
    assert stub.STUB.read_text(encoding="utf-8") == stub.stub(), "run python tests/stub.py"


def test_functions_take_the_parameters_that_the_stub_promises() -> None:
    """Operands go by position; only those of sequences have names."""
    promised = {
        node.name: (len(node.args.posonlyargs), [arg.arg for arg in node.args.args])
        for node in ast.parse(stub.stub()).body
        if isinstance(node, ast.FunctionDef)
    }
    for name, (by_position, names) in promised.items():
        kinds = inspect.signature(getattr(tinygrad_lin, name)).parameters.values()
        assert sum(p.kind is p.POSITIONAL_ONLY for p in kinds) == by_position, name
        assert [p.name for p in kinds if p.kind is p.POSITIONAL_OR_KEYWORD] == names


def test_public_names_have_docstrings() -> None:
    for name in tinygrad_lin.__all__:
        if name != "TABLE":
            assert (getattr(tinygrad_lin, name).__doc__ or "").strip(), name


def test_the_version_is_in_one_place() -> None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        assert version("tinygrad_lin") == tinygrad_lin.__version__
    except PackageNotFoundError:
        pytest.skip("the package is not installed, only importable")


def test_the_lock_holds_what_the_metadata_asks_for() -> None:
    root = Path(__file__).parent.parent
    with (root / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    text = (root / "requirements.lock").read_text(encoding="utf-8")
    locked = [Requirement(line) for line in re.findall(r"^(\w.+?==.+?) \\$", text, re.MULTILINE)]
    asked = map(
        Requirement, chain(project["dependencies"], *project["optional-dependencies"].values())
    )
    for wanted in asked:
        assert {s.operator for s in wanted.specifier} == {">="}, wanted  # no upper bounds
        versions = [
            next(iter(found.specifier)).version
            for found in locked
            if canonicalize_name(found.name) == canonicalize_name(wanted.name)
        ]
        assert versions, wanted
        assert all(wanted.specifier.contains(version) for version in versions), wanted
