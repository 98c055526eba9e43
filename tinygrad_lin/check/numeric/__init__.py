"""Derivatives by numbers alone: by differences, by a complex step, and which of them to trust."""
