"""What a reader opens: the page of a run, the index of all, two runs side by side."""
