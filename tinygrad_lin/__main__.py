"""`python -m tinygrad_lin` is the command tinygrad-lin."""

import sys

from tinygrad_lin._exit_codes import INTERRUPTED


def main(name: str | None = None) -> None:
    """Run the command; Ctrl-C ends it in one line, even while its libraries are loading."""
    try:
        from tinygrad_lin.cli import main as command

        command(prog_name=name)
    except KeyboardInterrupt:
        print("Error: interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main("python -m tinygrad_lin")
