"""What makes gradients trustworthy: differences that know their error, a checker, strategies."""

from types import ModuleType

from tinygrad_lin.check.gradients import Entry, Report, check_gradients

__all__ = ["Entry", "Report", "check_gradients"]


def __getattr__(name: str) -> ModuleType:
    """The strategies bring Hypothesis, which a check does not need: they are imported when used."""
    if name != "strategies":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return import_module(f"{__name__}.strategies")
