"""Weights of data sources: their objective, parts of the method, and experiments with them."""
