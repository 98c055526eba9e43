"""The line and the nets: models, losses, optimizers, training and data."""

from tinygrad_lin.nn import optimizers
from tinygrad_lin.nn.data import Data, read_csv, read_csv_batches
from tinygrad_lin.nn.datasets import load
from tinygrad_lin.nn.learning_rate_sweep import Sweep, sweep
from tinygrad_lin.nn.losses import binary_cross_entropy, half_mse, hinge, mse
from tinygrad_lin.nn.models import MLP, Linear
from tinygrad_lin.nn.modules import Module
from tinygrad_lin.nn.optimizers import *  # noqa: F403
from tinygrad_lin.nn.optimizers import learning_rate_limit
from tinygrad_lin.nn.training.fit import fit
from tinygrad_lin.nn.training.history import History

__all__ = [
    "MLP",
    "Data",
    "History",
    "Linear",
    "Module",
    "Sweep",
    "binary_cross_entropy",
    "fit",
    "half_mse",
    "hinge",
    "learning_rate_limit",
    "load",
    "mse",
    "read_csv",
    "read_csv_batches",
    "sweep",
]
__all__ += optimizers.__all__
