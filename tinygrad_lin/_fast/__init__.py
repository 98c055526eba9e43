"""Fast forms of the plain engine: the same results, measured.

(Only `backward` may round differently, since it adds the shares in another order.) Each file names
the plain form in its first line. With TINYGRAD_LIN_PLAIN=1 in the environment none is used.
"""

from os import environ

from tinygrad_lin._fast import allocation
from tinygrad_lin._fast.constructors import postpone
from tinygrad_lin._fast.reverse import backward

PLAIN = environ.get("TINYGRAD_LIN_PLAIN", "0") not in ("", "0")
"""Whether everything runs on the plain forms."""

Constructor = type if PLAIN else allocation.Constructor

__all__ = ["PLAIN", "Constructor", "backward", "postpone"]
