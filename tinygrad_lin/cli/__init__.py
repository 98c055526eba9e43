"""The command line: tinygrad-lin.

Exit codes: 0 done, 1 what was asked about does not hold (training diverged, a gradient is wrong),
2 bad input.
"""

from tinygrad_lin.cli import expressions, predictions, rates, training
from tinygrad_lin.cli.group import main

for _room in (training, rates, predictions, expressions):
    for _command in _room.COMMANDS:
        main.add_command(_command)

__all__ = ["main"]
