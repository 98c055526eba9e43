"""The functions written out for each operation do what the plain `record` does."""

from __future__ import annotations

import inspect
import linecache
import struct
import traceback
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lin
from tinygrad_lin import TABLE, Value, add_operation, scope
from tinygrad_lin._fast import PLAIN
from tinygrad_lin._fast.constructors import LateMethod, compiled, source
from tinygrad_lin._functions import plain_functions
from tinygrad_lin.check.strategies import Graph, graphs, operands
from tinygrad_lin.graph import topological_order
from tinygrad_lin.operation import Operation
from tinygrad_lin.ops import FUNCTIONS
from tinygrad_lin.registry import remove_operation
from tinygrad_lin.value import define, record

if TYPE_CHECKING:
    from collections.abc import Callable

per_operation = pytest.mark.parametrize("operation", TABLE.values(), ids=lambda row: row.name)

if PLAIN:
    pytest.skip("TINYGRAD_LIN_PLAIN leaves the fast forms out", allow_module_level=True)

ANY_NUMBER = st.floats() | st.sampled_from(
    [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 5e-324, 1e308, -1e308, float("inf"), float("nan"), 3]
)


def bits(number: float) -> bytes:
    """The bits of a float; all NaNs are alike."""
    return struct.pack("d", number if number == number else float("nan"))  # noqa: PLR0124


def outcome(compute: Callable[[], Any]) -> tuple[Any, ...]:
    """What a function of Values gives: every number with its bits, or the words of the error."""
    try:
        result = compute()
    except Exception as error:
        return type(error), str(error)
    if not isinstance(result, Value):
        return type(result), bits(result)
    return (
        result.op,
        bits(result.data),
        [bits(partial) for partial in result.partials],
        [x if isinstance(x, Value) else bits(x) for x in result.operands],
        result.scope,
        result.grad,
    )


def mixed(numbers: list[Any], are_values: list[bool]) -> list[Any]:
    """Numbers, some of them as labelled Values."""
    return [Value(x, f"v{k}") if is_value else x
            for k, (x, is_value) in enumerate(zip(numbers, are_values))]  # fmt: skip


@per_operation
@given(data=st.data())
def test_both_forms_give_the_same_bits_or_the_same_error(
    operation: Operation, data: st.DataObject
) -> None:
    size = len(operation.operands) if not operation.variadic else len(operation.operands) + 3
    size -= (size - len(operation.operands)) % max(1, len(operation.many))
    inside = operands(operation.name)
    anywhere = st.lists(ANY_NUMBER, min_size=size, max_size=size)
    numbers = data.draw(inside | anywhere)
    flags = data.draw(st.lists(st.booleans(), min_size=len(numbers), max_size=len(numbers)))
    given_operands = mixed(numbers, flags)
    arguments = operation.grouped(given_operands)
    assert outcome(lambda: FUNCTIONS[operation.name](*arguments)) == outcome(
        lambda: plain_functions(operation, record)[0](*arguments)
    )
    assert outcome(lambda: FUNCTIONS[operation.name](*arguments)) == outcome(
        lambda: record(operation, *given_operands)
    )


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("log", ["x"]), ("log", [None]), ("log", []), ("log", [1.0, 2.0]), ("mul", [2.0, "x"]),
        ("mul", [10**400, 2.0]), ("maximum", [1.0]), ("maximum", [1.0, 2.0, "x"]),
        ("dot", [[1.0], [1.0, 2.0]]), ("dot", [1.0, [2.0]]), ("dot", [[1.0]]),
        ("dot", [["x"], [1.0]]), ("total", [2.0]), ("total", [[1.0, None]]), ("total", [[]]),
        ("total", [[], 1.0]), ("dot", [[], []]), ("dot", [[], [], "x"]),
    ],
)  # fmt: skip
def test_both_forms_refuse_in_the_same_words(name: str, arguments: list[Any]) -> None:
    """As functions, and with a Value for the first operand."""
    fast, plain = FUNCTIONS[name], plain_functions(TABLE[name], record)[0]
    plain.__name__ = plain.__qualname__ = name
    assert outcome(lambda: fast(*arguments)) == outcome(lambda: plain(*arguments))
    if arguments and not isinstance(arguments[0], str | list) and arguments[0] is not None:
        value = Value(2.0, "v")
        rest = arguments[1:]
        assert outcome(lambda: fast(value, *rest)) == outcome(lambda: plain(value, *rest))


@given(graphs(leaves=3, max_nodes=15))
def test_a_graph_recorded_again_by_the_plain_form_is_the_same(graph: Graph) -> None:
    again: dict[Value, Value] = {}
    for node in topological_order(graph.root):
        if node.operation is None:
            again[node] = Value(node.data)
            continue
        given_operands = [again[x] if isinstance(x, Value) else x for x in node.operands]
        twin = record(node.operation, *given_operands)
        assert isinstance(twin, Value)
        assert bits(twin.data) == bits(node.data)
        assert [bits(d) for d in twin.partials] == [bits(d) for d in node.partials]
        again[node] = twin


def test_scopes_are_noted_by_both_forms() -> None:
    x = Value(2.0)
    with scope("layer"):
        assert (x * x).scope == (2.0 * x).scope == ("layer",)
        assert tinygrad_lin.tanh(x).scope == tinygrad_lin.total([x, 1.0]).scope == ("layer",)
        node = record(TABLE["mul"], x, x)
        assert isinstance(node, Value)
        assert node.scope == ("layer",)


def test_the_source_is_shown_by_inspect_and_is_readable() -> None:
    text = inspect.getsource(tinygrad_lin.tanh)
    assert text == source(TABLE["tanh"])
    assert text.startswith("def tanh(left, /):\n")
    assert "node._datum = out = tanh(x)" in text
    product = inspect.getsource(FUNCTIONS["mul"])
    assert "node._dleft = y" in product
    assert "node._dright = x" in product


def test_tracebacks_show_the_generated_lines() -> None:
    linecache.checkcache()
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        tinygrad_lin.log(Value(-1.0))
    shown = "".join(traceback.format_exception(caught.value))
    assert "return record(operation, left)" in shown


def test_nothing_is_compiled_before_it_is_used() -> None:
    cube = add_operation("cube", "x * x * x", ("3.0 * x * x",))
    try:
        assert cube is FUNCTIONS["cube"]  # trying it out has compiled it
        operation = TABLE["cube"]
        define(operation)
        assert "cube" not in FUNCTIONS
        assert isinstance(vars(Value)["cube"], LateMethod)
        assert Value(2.0).cube().data == 8.0  # type: ignore[attr-defined]
        assert vars(Value)["cube"] is FUNCTIONS["cube"]
    finally:
        remove_operation(TABLE["cube"])


def test_a_reflected_operator_is_compiled_with_its_operation() -> None:
    function, reflected = compiled(TABLE["sub"], Value, record)
    x = Value(3.0)
    assert function(x, 1.0).data == 2.0
    assert reflected(x, 1.0).data == -2.0


def test_a_method_that_a_user_replaced_outlives_the_first_use_of_its_operation() -> None:
    original = vars(Value)["__sub__"]
    define(TABLE["sub"])
    try:
        Value.__sub__ = lambda self, other: "mine"  # type: ignore[method-assign, assignment, return-value]
        assert (2.0 - Value(1.0)).data == 1.0  # compiles
        assert str(Value(1.0) - 2.0) == "mine"
    finally:
        Value.__sub__ = original  # type: ignore[method-assign]
        define(TABLE["sub"])
