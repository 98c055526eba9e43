"""Training: what `fit` checks, computes in every step, keeps and writes."""
