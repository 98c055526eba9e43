"""The cache of executables: graphs of the same structure share one, whatever their numbers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from math import isnan
from threading import Lock
from types import ModuleType

from tinygrad_lin.compiler.executables import Executable
from tinygrad_lin.compiler.strategy import ExecutableBuilder, Task
from tinygrad_lin.graph import topological_order
from tinygrad_lin.value import Value

MAX_COMPARED = 20_000  # The structure of a larger graph would take too much memory.
MAX_KEPT = 32  # Executables hold arrays, so the one that was used longest ago goes.
EXECUTABLES: OrderedDict[Hashable, Executable] = OrderedDict()
LOCK = Lock()


def executable_for(task: Task, xp: ModuleType) -> Executable:
    """The executable of a task, from the cache if a graph of the same structure came before."""
    order = topological_order(task.output)
    if len(order) > MAX_COMPARED:
        return ExecutableBuilder(task, xp).build()
    key = structure(task, order), xp
    with LOCK:
        executable = EXECUTABLES.get(key)
    if executable is None:
        executable = ExecutableBuilder(task, xp).build()
    with LOCK:
        EXECUTABLES[key] = executable
        EXECUTABLES.move_to_end(key)
        if len(EXECUTABLES) > MAX_KEPT:
            EXECUTABLES.popitem(last=False)
    return executable


def structure(task: Task, order: list[Value]) -> Hashable:
    """All that an executable depends on: operations, operands, labels, constants."""
    places: dict[Value, Hashable] = {leaf: ("p", k) for k, leaf in enumerate(task.wrt)}
    for k, column in enumerate(task.columns):
        places |= {leaf: (k, lane) for lane, leaf in enumerate(column)}
    leaves = tuple([(leaf.label, place) for leaf, place in places.items()])
    nodes: list[Hashable] = []
    for value in order:
        if value.operation is None:
            places.setdefault(value, constant_key(value.data))
            continue
        operands = [places[o] if isinstance(o, Value) else constant_key(o) for o in value.operands]
        places[value] = len(nodes)
        nodes.append((value.operation, value.label, *operands))
    return leaves, tuple(nodes), places[task.output], tuple(task.is_matrix), *task[-2:]


def constant_key(number: float) -> Hashable:
    """A number as a key: -0.0 is not 0.0, and NaN is itself."""
    return str(number) if number == 0.0 or isnan(number) else number
