"""The exit codes of the command line, in a file of their own that loads no library."""

DOES_NOT_HOLD = 1
"""What was asked about does not hold: a gradient is wrong, or training diverged."""

BAD_INPUT = 2
"""What was given cannot be used."""

INTERRUPTED = 128 + 2
"""Ctrl-C ended the program: shells add 128 to the number of the signal."""
