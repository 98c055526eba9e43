"""What makes gradients trustworthy: differences that know their error, a checker, strategies.

`strategies` and `property_tests` are imported by themselves: they bring Hypothesis, which a check
does not need.
"""

from tinygrad_lin.check.gradients import Entry, Report, check_gradients

__all__ = ["Entry", "Report", "check_gradients"]
