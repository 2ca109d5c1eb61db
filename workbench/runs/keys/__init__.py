"""What decides a result: the key of a run, and why two keys differ."""
