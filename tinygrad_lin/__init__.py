from tinygrad_lin.value import Value
from tinygrad_lin.recording import FUNCTIONS
from tinygrad_lin.reverse import *
from tinygrad_lin.forward import jvp
globals().update(FUNCTIONS)
