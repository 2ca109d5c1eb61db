"""Experiments with weights by loss: a regression, its theory, and a small language model."""
