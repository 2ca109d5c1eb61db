"""Quantiles of any models: scores, order, base models and the parts of their aggregation."""
