"""`python -m tinygrad_lin` is the command tinygrad-lin."""

from tinygrad_lin.cli import main

main(prog_name="python -m tinygrad_lin")
