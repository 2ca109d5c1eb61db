"""Training under attack: a smooth attack and its reaction, rivals, and trials on images."""
