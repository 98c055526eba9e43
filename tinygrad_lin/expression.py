"""Text to graph: an expression is parsed, checked name by name, and never evaluated as Python.

It may hold numbers, names, ``+ - * / % **``, unary minus and plus, brackets, and calls of the
functions of the table. Anything else is refused with a caret at its column.
"""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from tinygrad_lin._parsing import parse_expression
from tinygrad_lin.errors import DomainError, ExpressionError
from tinygrad_lin.ops import FUNCTIONS, TABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import NoReturn, TypeAlias

    from tinygrad_lin.value import Value

    Token: TypeAlias = "str | float | Call"  # a variable, a constant, a call

OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "__add__",
    ast.Sub: "__sub__",
    ast.Mult: "__mul__",
    ast.Div: "__truediv__",
    ast.Mod: "__mod__",
    ast.Pow: "__pow__",
    ast.USub: "__neg__",
}
"""The rows whose special method an operator is."""

MAX_CHARACTERS = 10_000
ALLOWED = "numbers, names, + - * / % **, brackets and functions of the table"


class Call(NamedTuple):
    """A function, and how many operands it is given."""

    function: Callable[..., Any]
    arity: int


class Expression:
    """A formula read from text, as a function of its names.

    Args:
        text: for instance ``"(w * x + b - y) ** 2 / 2"``.

    Attributes:
        names: its variables, in the order in which they first appear.

    Raises:
        ExpressionError: the text is not such a formula; the message shows where.

    >>> cost = Expression("(w * x + b - y) ** 2 / 2")
    >>> cost.names
    ('w', 'x', 'b', 'y')
    >>> cost({"w": 2.0, "x": 3.0, "b": 1.0, "y": 5.0})
    2.0
    """

    def __init__(self, text: str) -> None:
        self.text: str = text.replace("\r", " ").replace("\n", " ").strip()
        if len(text) > MAX_CHARACTERS:
            limit = f"an expression has at most {MAX_CHARACTERS:,} characters"
            self._refuse(f"{limit}, not {len(text):,}", 0)
        self._tokens = self._read(self._parse())
        self.names: tuple[str, ...] = tuple(
            dict.fromkeys(token for token, _ in self._tokens if isinstance(token, str))
        )
        self._try_constants()

    def __call__(self, values: Mapping[str, Value | float]) -> Any:
        """The value of the expression: a Value if one of its variables is.

        Raises:
            DomainError: an operand is outside an operation's domain, as in log(0).
            KeyError: a name has no value.
        """
        stack: list[Any] = []
        for token, _ in self._tokens:
            if isinstance(token, Call):
                operands = stack[len(stack) - token.arity :]
                del stack[len(stack) - token.arity :]
                stack.append(token.function(*operands))
            else:
                stack.append(values[token] if isinstance(token, str) else token)
        return stack[0]

    def _try_constants(self) -> None:
        """Refuse what has no value whatever the variables are, such as 9 ** 9 ** 9."""
        stack: list[float | None] = []  # None for what depends on a variable
        for token, column in self._tokens:
            if not isinstance(token, Call):
                stack.append(None if isinstance(token, str) else token)
                continue
            operands = stack[len(stack) - token.arity :]
            del stack[len(stack) - token.arity :]
            try:
                stack.append(None if None in operands else token.function(*operands))
            except DomainError as error:
                self._refuse(str(error), column)

    def _parse(self) -> ast.expr:
        if "\\" in self.text:  # Python would warn about a backslash.
            self._refuse(f"only {ALLOWED} are allowed", self.text.index("\\"))
        try:
            return parse_expression(self.text)
        except SyntaxError as error:
            reason = "this is not an expression" if self.text else "there is no expression"
            column = error.offset - 1 if error.offset and error.lineno == 1 else len(self.text)
            self._refuse(reason, column)
        except (RecursionError, MemoryError):
            self._refuse("the brackets or signs are nested too deeply", 0)
        except ValueError as error:  # There is a null byte, or a number of too many digits.
            self._refuse(str(error), 0)

    def _read(self, root: ast.expr) -> list[tuple[Token, int]]:
        """The syntax tree as tokens in postfix order, each with the column it stands at.

        Nothing recurses: a long sum is a deep tree.
        """
        todo: list[ast.expr] = [root]
        tokens: list[tuple[Token, int]] = []
        while todo:
            node = todo.pop()
            column = self._column(node)
            match node:
                case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                    if abs(number) > sys.float_info.max:
                        self._refuse("this number is too large for a float", column)
                    tokens.append((float(number), column))
                case ast.Name(id=name):
                    tokens.append((name, column))
                case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
                    tokens.append((Call(function_of_operator(op), 2), column))
                    todo += [left, right]
                case ast.UnaryOp(op=ast.USub() as op, operand=operand):
                    tokens.append((Call(function_of_operator(op), 1), column))
                    todo.append(operand)
                case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                    todo.append(operand)
                case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                    tokens.append((self._call(name, len(args), column), column))
                    todo += args
                case _:
                    self._refuse(f"only {ALLOWED} are allowed", column)
        return tokens[::-1]

    def _call(self, name: str, count: int, column: int) -> Call:
        """A call of the function with a name, if there is one that takes so many operands."""
        known_functions = {
            operation.name: operation
            for operation in TABLE.values()
            if not operation.special and not (operation.variadic and len(operation.operands) > 1)
        }
        if name not in known_functions:
            known = ", ".join(known_functions)
            self._refuse(f"there is no function {name!r}; there are {known}", column)
        operation = known_functions[name]
        if operation.variadic:
            return Call(lambda *operands: FUNCTIONS[name](operands), count)
        wanted = len(operation.operands)
        if count != wanted and not (operation.folds and count > wanted):
            more = " or more" if operation.folds else ""
            self._refuse(f"{name} takes {wanted}{more}, not {count}", column)
        return Call(FUNCTIONS[name], count)

    def _column(self, node: ast.expr) -> int:
        """Where a node begins, in characters (the parser counts bytes)."""
        return len(self.text.encode()[: node.col_offset].decode(errors="replace"))

    def _refuse(self, reason: str, column: int) -> NoReturn:
        begin = max(0, column - 60)
        shown = self.text[begin : begin + 100]
        message = f"{reason}\n  {shown}\n  {' ' * (column - begin)}^"
        raise ExpressionError(message) from None

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Expression, (self.text,)


def function_of_operator(operator: ast.AST) -> Callable[..., Any]:
    """The function of the row that an operator stands for."""
    special = OPERATORS[type(operator)]
    return next(FUNCTIONS[row.name] for row in TABLE.values() if row.special == special)
