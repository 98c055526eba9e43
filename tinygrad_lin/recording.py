"""How an operation records its node: every row of the table becomes a function of Values.

The functions are written out for each row and compiled, the way dataclasses writes ``__init__``, so
that no call goes through a dispatcher. In the templates below, mul has `x * y` for {formula}, `y`
for {dx} and `x` for {dy}: compute the value, store each local derivative on its edge, done.
"""

from __future__ import annotations

import builtins
import math
from keyword import iskeyword
from math import isnan, nan
from threading import Lock

from tinygrad_lin.errors import DataError, DomainError, ExpressionError, OperandError, shown
from tinygrad_lin.ops import (
    EVERYWHERE,
    FLOATS,
    FUNCTIONS,
    TABLE,
    Operation,
    Reader,
    enter,
    over_sequences,
    written_out,
)
from tinygrad_lin.value import MAKERS, MAKING, Value, blank, data_of, number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

ONE_OPERAND = """
def {name}_of_values(left, /):
    if type(left) is not Value:
        return of_numbers({name}_row, left)
    node = blank()
    x = left._datum
    try:
        node._datum = out = {formula}
        node._dleft = {dx}
    except (ArithmeticError, ValueError) as error:
        at_the_edge(error, node, {name}_row, left)
    node.operation = {name}_row
    node.grad = 0.0
    node._left = left
    node._right = None
    return node
"""

TWO_OPERANDS = """
def {name}_of_values(left, right, /{more}):{fold}
    if type(left) is not Value:
        if type(right) is not Value:
            return of_numbers({name}_row, left, right)
        return {name}_reflected(right, left)
    node = blank()
    x = left._datum
    if type(right) is Value:
        y = right._datum
        try:
            node._datum = out = {formula}
            node._dleft = {dx}
            node._dright = {dy}
        except (ArithmeticError, ValueError) as error:
            at_the_edge(error, node, {name}_row, left, right)
        node._right = right
    else:
        y = right if type(right) is float else number(right)
        try:
            node._datum = out = {formula}
            node._dleft = {dx}
        except (ArithmeticError, ValueError) as error:
            at_the_edge(error, node, {name}_row, left, y)
        node._right = None
        node._dright = y
    node.operation = {name}_row
    node.grad = 0.0
    node._left = left
    return node

def {name}_reflected(right, left, /):
    node = blank()
    x = left if type(left) is float else number(left)
    y = right._datum
    try:
        node._datum = out = {formula}
        node._dright = {dy}
    except (ArithmeticError, ValueError) as error:
        at_the_edge(error, node, {name}_row, x, right)
    node.operation = {name}_row
    node.grad = 0.0
    node._left = None
    node._dleft = x
    node._right = right
    return node
"""
FOLD = """
    for operand in more:
        left, right = {name}_of_values(left, right), operand"""

MANY_OPERANDS = """
def {name}_of_values({parameters}):
    try:
        {tuples}
    except TypeError:
        refuse_singles({name}_row, {lists})
        raise
    n = len({first})
    if {lengths}:
        raise of_different_lengths({name}_row, {lists})
    operands = inputs = ({operands})
    numbers = float in map(type, operands[:: n or 1])  # asked of a few, as errors are slow
    try:
        data = None if numbers else [operand._datum for operand in operands]
    except AttributeError:
        data = None
    if data is None:
        data, inputs = sift(operands)
    {columns}
    try:
        out = {formula}
    except (ArithmeticError, ValueError, TypeError) as error:
        raise without_value({name}_row, operands, error) from None
    if not inputs:
        return float(out)
    try:
        partials = {partials}
    except (ArithmeticError, ValueError) as error:
        error.__traceback__ = None
        partials = partials_at_the_edge({name}_row, operands, out)
    if inputs is not operands:
        partials = tuple([d for d, o in zip(partials, inputs.operands) if type(o) is Value])
    return many_operands({name}_row, out, partials, inputs)
"""


VALUES = Reader({**vars(math)})
"""Formulas read with Values: what they compute is a graph again."""


class LikeFloats(dict[str, object]):
    """What names mean for floats, but for functions of math, which are NumPy's."""

    def __missing__(self, name: str) -> Any:
        import numpy

        meaning = FLOATS.meanings[name]
        return getattr(numpy, name, meaning) if vars(math).get(name) is meaning else meaning


IEEE = Reader(LikeFloats())
"""Formulas read with NumPy's scalars, which obey IEEE 754 where Python's floats raise."""


def source(operation: Operation) -> str:
    """The Python source of the function that a row becomes."""
    name, formula, partials = operation.name, operation.formula, operation.partials
    if operation.variadic:
        return source_of_many(operation)
    template = ONE_OPERAND if len(partials) == 1 else TWO_OPERANDS
    more, fold = (", *more", FOLD.format(name=name)) if operation.folds else ("", "")
    return template.format(
        name=name, formula=formula, dx=partials[0], dy=partials[-1], more=more, fold=fold
    )


def source_of_many(operation: Operation) -> str:
    """The same for a row with starred operands, each of which comes as a sequence."""
    formula, partials = over_sequences(operation)
    lists = [name for name, x in zip(operation.parameters, operation.operands) if x != name]
    singles = operation.parameters[len(lists) :]
    columns = [f"{xs} = data[{k} * n : {k + 1} * n]" for k, xs in enumerate(lists)]
    columns += [f"{x} = data[{k - len(singles)}]" for k, x in enumerate(singles)]
    return MANY_OPERANDS.format(
        name=operation.name,
        parameters=", ".join([*lists, *(f"{x}=0.0" for x in singles)]),
        lists=", ".join(lists),
        first=lists[0],
        tuples="; ".join(f"{xs} = tuple({xs})" for xs in lists),
        lengths=" or ".join(f"len({xs}) != n" for xs in lists[1:]) or "False",
        operands=", ".join([*(f"*{xs}" for xs in lists), *singles, ""]),
        columns="; ".join(columns),
        formula=formula,
        partials=partials,
    )


class Mixed(list["Value"]):
    """The inputs of a node of many operands, some of which are constants."""

    __slots__ = ("operands",)

    operands: tuple[Value | float, ...]


def refuse_singles(operation: Operation, *sequences: Any) -> None:
    """Say what to give instead of one Value or number, where one is given for a sequence."""
    for sequence in sequences:
        if isinstance(sequence, Value) or not hasattr(sequence, "__iter__"):
            raise OperandError(
                f"{operation.name} takes sequences of Values and numbers: "
                f"give [x], not x = {shown(sequence)}"
            ) from None


def of_different_lengths(operation: Operation, *tuples: tuple[Any, ...]) -> DataError:
    """The error for sequences that do not go together."""
    given = " and ".join([str(len(operands)) for operands in tuples])
    return DataError(f"{operation.name} takes sequences of one length, not of {given}")


def sift(operands: Sequence[Any]) -> tuple[list[float], Mixed]:
    """The numbers in all operands, and those operands that are Values."""
    operands = tuple([o if type(o) is Value or type(o) is float else number(o) for o in operands])
    inputs = Mixed([o for o in operands if type(o) is Value])
    inputs.operands = operands
    return [o._datum if type(o) is Value else o for o in operands], inputs


def many_operands(
    operation: Operation, out: float, partials: tuple[float, ...], inputs: Sequence[Value]
) -> Value:
    """A node of many operands."""
    if type(out) is not float:  # as of something that has _datum, too, but is no Value
        sift(inputs)
        out = float(out)
    node: Value = blank()
    node._datum = out
    node.operation = operation
    node.grad = 0.0
    node._left = node._right = None
    node._dleft = partials
    node._dright = inputs
    return node


def of_numbers(operation: Operation, *operands: Any) -> float:
    """The value of an operation as a number, which records nothing."""
    numbers = [data_of(operand) for operand in operands]
    try:
        return float(FLOATS(operation.formula, ", ".join(operation.operands))(*numbers))
    except (ArithmeticError, ValueError) as error:
        raise without_value(operation, operands, error) from None


def at_the_edge(
    error: Exception, node: Any, operation: Operation, *operands: Value | float
) -> None:
    """Fill a node whose value or local derivative could not be computed the plain way."""
    error.__traceback__ = None  # the context of what may follow, it would keep the graph alive
    node._datum = of_numbers(operation, *operands)
    partials = partials_at_the_edge(operation, operands, node._datum)
    for slot, operand, partial in zip(("_dleft", "_dright"), operands, partials):
        if isinstance(operand, Value):
            setattr(node, slot, partial)


def partials_at_the_edge(
    operation: Operation, operands: Sequence[Value | float], out: float
) -> list[float]:
    """The local derivatives where one could not be computed the plain way; NaN by a constant.

    One may be infinite, as that of sqrt at 0: it follows IEEE 754. One that is not even that is a
    DomainError.
    """
    import numpy

    scalars = [numpy.float64(data_of(operand)) for operand in operands]
    carried = any(map(isnan, (*scalars, out)))
    partials = [nan for _ in operands]
    for place, (name, formula, given) in enumerate(
        one_by_one(IEEE, operation, scalars, numpy.float64(out))
    ):
        if not isinstance(operands[place], Value):
            continue
        try:
            with numpy.errstate(all="ignore"):
                partials[place] = float(formula(*given))
        except (ArithmeticError, ValueError):  # of a function that NumPy has not
            partials[place] = nan
        if isnan(partials[place]) and not carried:
            what = f"has no derivative by {name} (a number there needs none, a Value does)"
            raise outside(operation, operands, what, [place] if operation.variadic else ())
    return partials


def one_by_one(
    read: Reader, operation: Operation, operands: Sequence[Any], out: Any
) -> Iterator[tuple[str, Callable[..., Any], list[Any]]]:
    """For each operand its name, the formula of its local derivative, and what that is given."""
    given = [*operation.grouped(operands), out]
    many = operation.many
    names = ", ".join((*operation.parameters, "out"))
    for x, parameter, partial in zip(operation.operands, operation.parameters, operation.partials):
        formula = written_out(operation, partial)
        if x == parameter:
            yield x, read(formula, names), given
        else:
            of_each = read(formula, f"{names}, {', '.join(many)}")
            for k, each in enumerate(zip(*given[: len(many)])):
                yield f"{parameter}[{k}]", of_each, [*given, *each]


def without_value(
    operation: Operation, operands: Sequence[Value | float], error: Exception
) -> DomainError:
    """The error for operands that an operation has no value for."""
    error.__traceback__ = None  # the context of ours, it would keep the graph alive
    what = "overflows a float" if isinstance(error, OverflowError) else "has no value"
    return outside(operation, operands, what, alone(operation, operands))


def alone(operation: Operation, operands: Sequence[Value | float]) -> list[int]:
    """The places of those operands in sequences that have no value even by themselves."""
    if not operation.variadic:
        return []
    many = len(operation.many)
    given = operation.grouped([data_of(operand) for operand in operands])
    formula = FLOATS(over_sequences(operation)[0], ", ".join(operation.parameters))
    places = []
    for k, each in enumerate(zip(*given[:many])):
        try:
            formula(*([x] for x in each), *given[many:])
        except (ArithmeticError, ValueError):
            places += [k + column * len(given[0]) for column in range(many)]
    return sorted(places)


MOST_SHOWN = 4


def outside(
    operation: Operation, operands: Sequence[Value | float], what: str, places: Sequence[int] = ()
) -> DomainError:
    """The error that says where an operation was left, and what it would allow.

    It shows the operands in the places given, or all; of many the first few.
    """
    names = [name for name, *_ in one_by_one(FLOATS, operation, operands, nan)]
    places = places or range(len(operands))
    shown = [(names[place], operands[place]) for place in places[:MOST_SHOWN]]
    given = ", ".join(
        f"{name} = {data_of(operand)!r}"
        + (f" ({operand.label!r})" if isinstance(operand, Value) and operand.label else "")
        for name, operand in shown
    )
    given += ", ..." if len(places) > MOST_SHOWN else ""
    rule = f"; it is defined where {operation.defined}" if operation.defined else ""
    parameters = ", ".join(operation.parameters)
    return DomainError(f"{operation.name}({parameters}) {what} at {given}{rule}")


def record(*operations: Operation) -> None:
    """Compile the functions of some rows, and give Value their methods."""
    namespace = {
        **FLOATS.meanings,
        **{f"{operation.name}_row": operation for operation in operations},
        **{tool.__name__: tool for tool in (Value, number, sift, many_operands)},
        **{tool.__name__: tool for tool in (refuse_singles, of_different_lengths, without_value)},
        **{tool.__name__: tool for tool in (of_numbers, at_the_edge, partials_at_the_edge)},
        "__name__": "tinygrad_lin",
    }
    with MAKING:  # a scope may open meanwhile
        namespace["blank"] = blank
        MAKERS.append(namespace)
    text = "".join(map(source, operations))
    exec(compile(text, "<operations of tinygrad_lin>", "exec"), namespace)  # nosec B102
    for operation in operations:
        name = operation.name
        function = FUNCTIONS[name] = VALUES.meanings[name] = namespace[f"{name}_of_values"]
        function.__name__ = function.__qualname__ = name
        function.__doc__ = describe(operation)
        if not operation.variadic:
            setattr(Value, name, function)
        if operation.special:
            setattr(Value, operation.special, function)
            if len(operation.partials) == 2:
                reflected = operation.special.replace("__", "__r", 1)
                setattr(Value, reflected, namespace[f"{name}_reflected"])


def describe(operation: Operation) -> str:
    """The docstring of a row's function."""
    slopes = "; ".join(
        f"d {operation.name} / d {operand.lstrip('*')} = {partial}"
        for operand, partial in zip(operation.operands, operation.partials)
    )
    domain = f"\n\nDefined where {operation.defined}." if operation.defined else ""
    return f"{operation.formula}\n\nLocal derivatives: {slopes}.{domain}"


RESERVED = {"x", "y", "out", "bias", "sum", "left", "right", "more", "operand", "node", "blank"}
RESERVED |= {"data", "inputs", "operands", "partials", "n", "number", "numbers", "sift", "error"}
RESERVED |= {"float", "map", "type"}
"""Names that formulas and the templates above use for other things."""

ADDING = Lock()
"""Held while a row is added: of two with one name, one comes second."""


def add_operation(
    name: str,
    formula: str,
    partials: tuple[str, ...],
    *,
    sign: str = "",
    tex: str = "",
    defined: str = EVERYWHERE,
    smooth: str = EVERYWHERE,
    draw: tuple[tuple[float, float], ...] = (),
    operands: tuple[str, ...] = (),
) -> Callable[..., Any]:
    """Add a row of your own to the table of derivatives, and get its function.

    From then on everything that reads the table knows it: it records, runs backward and forward to
    any order, is drawn, and becomes a method of Value unless it takes sequences.

    Args:
        name: the name of the operation, its function and its method.
        formula: its value in terms of x (and y), in the vocabulary of `tinygrad_lin/ops.py`. It is
            Python that runs: do not take it from a stranger.
        partials: its local derivatives, one formula for each operand, in terms of x (and y) and of
            the result, out. For derivatives of higher order they may use only functions in the
            table.
        sign: what a drawing writes in the node; the name if not given.
        tex: how TeX writes it, with {x} and {y} for the operands.
        defined: where it has a value, as a predicate of its operands.
        smooth: where it has derivatives of every order.
        draw: for each operand an interval well inside the domain, for tests to draw from.
        operands: the operands' names where some of them come as a sequence; these are starred and
            stand first.

    Raises:
        ExpressionError: the name is taken or no name, or a formula cannot be read.

    >>> cube = add_operation("cube", "x * x * x", ("3.0 * x * x",), sign="x³")
    >>> x = Value(2.0)
    >>> cube(x).backward()
    >>> x.grad, cube(3.0)
    (12.0, 27.0)
    """
    row = Operation(
        name, formula, tuple(partials), sign, tex,
        defined=defined, smooth=smooth, draw=draw, operands=operands,
    )  # fmt: skip
    if len(row.operands) != len(row.partials) or len(row.draw) != len(row.partials):
        raise ExpressionError(f"{name} needs one local derivative and one interval per operand")
    unnamed = [p for p in row.parameters if not p.isidentifier() or iskeyword(p)]
    hidden = [x for x in row.operands if x in RESERVED - {"x", "y", "bias"}]
    if unnamed or hidden or not (row.variadic or set(row.operands) <= {"x", "y"}):
        raise ExpressionError(
            f"{name} cannot have operands {row.operands}: without a star they are x and y"
        )
    with ADDING:
        taken = hasattr(Value, name) or name in TABLE or name in RESERVED or iskeyword(name)
        if taken or hasattr(builtins, name) or not name.isidentifier():
            raise ExpressionError(
                f"an operation cannot be called {name!r}: that is taken or no name"
            )
        try:
            enter(row)
            record(row)
            try_out(row)
        except DomainError as error:
            forget(row)
            raise ExpressionError(f"{name} cannot be drawn from {row.draw}: {error}") from None
        except Exception as error:  # whatever a formula may do
            forget(row)
            raise ExpressionError(f"the formulas of {name} cannot be read: {error}") from None
        return FUNCTIONS[name]


def try_out(row: Operation) -> None:
    """Use a new row once, well inside the intervals it says tests may draw from."""
    names = [x.lstrip("*") for x in row.operands]
    known = {*names, "sum", *FLOATS.meanings, *vars(builtins)}
    for formula in filter(None, (row.formula, *row.partials, row.defined, row.smooth)):
        used = compile(formula, row.name, "eval").co_names
        unknown = set(used) - known - ({"out"} if formula in row.partials else set())
        if unknown:
            raise NameError(f"{formula!r} has the unknown name {min(unknown)!r}")
    numbers = [0.3 * low + 0.7 * high for low, high in row.draw]
    operands = [
        [Value(x)] if name != parameter else Value(x)
        for x, name, parameter in zip(numbers, row.operands, row.parameters)
    ]
    node = FUNCTIONS[row.name](*operands)
    for found in (node.data, *node.partials):
        if type(found) is not float:
            raise TypeError(f"they give {found!r}, which is no float")
    for predicate in (row.defined, row.smooth):
        if predicate:
            FLOATS(predicate, ", ".join(names))(*numbers)


def forget(operation: Operation) -> None:
    """Take a row of the user's out of the table again."""
    for names in (TABLE, FUNCTIONS, FLOATS.meanings, VALUES.meanings):
        names.pop(operation.name, None)
    if operation.name in vars(Value):
        delattr(Value, operation.name)
    if operation.name in vars(math):  # the row stood before a function of math
        for meanings in (FLOATS.meanings, VALUES.meanings):
            meanings[operation.name] = vars(math)[operation.name]


MAKERS.append(globals())
record(*TABLE.values())
VALUES.meanings["sum"] = FUNCTIONS["total"]
