"""Kernels, the dual that balances them, propensities, risks and the models that use them."""
