"""From graph to program: a scalar graph, recorded once, as code on arrays."""
