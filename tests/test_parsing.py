"""Python's parser, one thread at a time."""

from __future__ import annotations

import ast
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tinygrad_lin import _parsing
from tinygrad_lin._parsing import parse_expression, parse_statements

if TYPE_CHECKING:
    from collections.abc import Callable


def test_the_trees_are_those_of_python() -> None:
    assert ast.unparse(parse_expression("(x + 1) * 2")) == "(x + 1) * 2"
    assert isinstance(parse_expression("x"), ast.Name)
    assert [ast.unparse(statement) for statement in parse_statements("a = 1; b = a")] == [
        "a = 1", "b = a",
    ]  # fmt: skip
    assert parse_statements("") == []


@pytest.mark.parametrize("parse", [parse_expression, parse_statements])
def test_after_an_error_the_parser_is_free_again(parse: Callable[[str], Any]) -> None:
    for _ in range(2):
        with pytest.raises(SyntaxError):
            parse("x +")
    assert not _parsing._parser_lock.locked()
    assert parse("x")


@pytest.mark.parametrize("first", [parse_expression, parse_statements])
@pytest.mark.parametrize("second", [parse_expression, parse_statements])
def test_of_two_threads_one_parses_when_the_other_has_finished(
    monkeypatch: pytest.MonkeyPatch, first: Callable[[str], Any], second: Callable[[str], Any]
) -> None:
    inside = threading.Barrier(2)
    met = []

    def parse(*arguments: Any, **options: Any) -> Any:
        try:
            inside.wait(timeout=0.2)
            met.append(arguments)
        except threading.BrokenBarrierError:
            pass
        return ast.parse(*arguments, **options)

    monkeypatch.setattr(_parsing, "ast", SimpleNamespace(parse=parse))
    with ThreadPoolExecutor(2) as threads:
        results = [threads.submit(first, "x"), threads.submit(second, "y")]
        assert all(result.result() for result in results)
    assert not met


def test_deep_texts_in_two_threads_are_read_or_refused_as_in_one() -> None:
    deep = "(" * 90 + "x" + ")" * 90
    too_deep = "(" * 300 + "x" + ")" * 300

    def parse(text: str) -> str:
        try:
            return ast.dump(parse_expression(text))
        except (SyntaxError, MemoryError, RecursionError) as error:
            return type(error).__name__

    texts = [deep, too_deep] * 200
    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(parse, texts))
    assert found == [parse(deep), parse(too_deep)] * 200
    assert found[0] == ast.dump(ast.Name("x", ast.Load()))
    assert found[1] in {"SyntaxError", "MemoryError", "RecursionError"}
