"""What trends of scores are made of."""
