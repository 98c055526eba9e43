"""Every regular expression of the package takes time in proportion to its text.

It does where no text can be matched in two ways: no repeat stands in another one, and none is
followed by one of the same characters. (Possessive repeats give nothing back, so they may.)
"""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Iterator
from pathlib import Path
from re import _compiler, _parser  # type: ignore[attr-defined]  # their trees are not public
from typing import Any, NamedTuple

import pytest

import tinygrad_lin

PACKAGE = Path(tinygrad_lin.__file__).parent
LONG = 50_000
CHARACTERS = [chr(k) for k in range(0x250)] + list("′…·–😀")


class Atom(NamedTuple):
    """A part of a pattern: whether it may be left out, and be repeated without end."""

    pattern: Any
    optional: bool
    endless: bool

    def characters(self) -> set[str]:
        """Those it may begin with, of a sample."""
        compiled = _compiler.compile(self.pattern)
        return {c for c in CHARACTERS if compiled.fullmatch(c) or compiled.fullmatch(c * 2)}


def calls() -> list[tuple[str, str]]:
    """The function and the pattern of each call of the module re."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(ast.Name("re"), function), args=[pattern, *_]):
                    assert isinstance(pattern, ast.Constant), f"{path}: a pattern is a constant"
                    found.append((function, str(pattern.value)))
    return found


def atoms(tree: Any) -> Iterator[list[Atom]]:
    """The sequences of atoms that a pattern allows, one for each choice between alternatives.

    Raises:
        AssertionError: a repeat stands in another.
    """
    found: list[list[Atom]] = [[]]
    for operation, given in tree:
        name = str(operation)
        more: list[list[Atom]] = [[]]
        if name in ("MAX_REPEAT", "MIN_REPEAT"):
            low, high, inner = given
            within = list(atoms(inner))
            if high is _parser.MAXREPEAT:
                assert not any(atom.endless for each in within for atom in each), "in a repeat"
                more = [[Atom(inner, low == 0, True)]]
            else:
                more = [[], *within] if low == 0 else within
        elif name == "SUBPATTERN":
            more = list(atoms(given[-1]))
        elif name == "BRANCH":
            more = [each for branch in given[1] for each in atoms(branch)]
        elif name not in ("AT", "ASSERT", "ASSERT_NOT"):
            single = _parser.SubPattern(tree.state, [(operation, given)])
            more = [[Atom(single, name == "POSSESSIVE_REPEAT", False)]]
        found = [[*before, *after] for before in found for after in more]
    yield from found


def must_be_linear(pattern: str) -> None:
    """Refuse a pattern that may match a text in many ways."""
    for sequence in atoms(_parser.parse(pattern)):
        for k, atom in enumerate(sequence):
            mine = atom.characters() if atom.endless else set()
            for other in sequence[k + 1 :] if atom.endless else ():
                same = mine & other.characters()
                assert not (other.endless and same), "repeats of the same characters"
                if not (same or other.optional):
                    break  # a character that the repeat cannot have taken


@pytest.mark.parametrize(
    "bad",
    ["(a+)+", "(a*b?)*", r"\w+\d+", r"\s*,?\s*x", "(a|b)*(b|c)*", r"\w*a\w*", "(?:(x+)y?)*z"],
)
def test_the_rule_finds_what_is_not(bad: str) -> None:
    with pytest.raises(AssertionError):
        must_be_linear(bad)


@pytest.mark.parametrize(("function", "pattern"), calls())
def test_a_pattern_is_linear(function: str, pattern: str) -> None:
    must_be_linear(pattern)
    search = getattr(re.compile(pattern), {"compile": "fullmatch"}.get(function, function))
    signs = dict.fromkeys([*pattern, *"a0_ \"{'["])
    begin = time.process_time()
    for first in signs:
        for second in ("", *signs):
            text = (first + second) * (LONG // 100) + first * (LONG // 100) + "\n!"
            search("", text) if function == "sub" else search(text)
    for sign in signs:
        search("", sign * LONG + "\n!") if function == "sub" else search(sign * LONG + "\n!")
    assert time.process_time() - begin < 10  # a square of the length takes many minutes
