"""What design-based regressions are made of."""
