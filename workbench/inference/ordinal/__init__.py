"""Ordered outcomes: likelihood, solver, penalty path, tuning, rivals and worlds to try them in."""
