"""The line and the nets: models, losses, optimizers, training and data."""
