"""What makes gradients trustworthy: differences that know their error, a checker, strategies."""

from tinygrad_lin.check import numeric, strategies
from tinygrad_lin.check.gradients import Entry, Report, check_gradients
from tinygrad_lin.check.property_tests import check_everywhere

__all__ = ["Entry", "Report", "check_everywhere", "check_gradients", "numeric", "strategies"]
