"""What makes gradients trustworthy: differences that know their error, a checker, strategies."""


def _hypothesis_setup_hook() -> None:
    """Called by Hypothesis as it is imported: st.from_type(Value) works from then on."""
    from hypothesis import strategies as st

    from tinygrad_lin.value import Value

    def of_value(_: type[Value]) -> st.SearchStrategy[Value]:
        from tinygrad_lin.check.strategies import values

        return values()

    st.register_type_strategy(Value, of_value)
