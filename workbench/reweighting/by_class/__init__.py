"""Rare classes: weights, margins and separated features, alone and under attack."""
