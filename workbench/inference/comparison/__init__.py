"""Resamples, scores, tests between models, and what a simulation says of each test."""
