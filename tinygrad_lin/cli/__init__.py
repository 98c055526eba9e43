"""The command line: tinygrad-lin.

Every command is a file of this folder that adds itself to the group `main`, under its own name.
A new command is a new file: all files of the folder are loaded here.

Exit codes: 0 done, 1 what was asked about does not hold (training diverged, a gradient is wrong),
2 bad input, 130 interrupted by Ctrl-C.
"""

from importlib import import_module
from pkgutil import iter_modules

from tinygrad_lin.cli.group import main

for _file in iter_modules(__path__):
    import_module(f"{__name__}.{_file.name}")

__all__ = ["main"]
