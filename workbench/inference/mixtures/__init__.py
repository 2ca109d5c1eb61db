"""Mixtures of hypotheses: weights, bounds, exact classes, and posterior draws of networks."""
