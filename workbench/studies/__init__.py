"""One module per paper: `TITLE`, `Params`, `SMOKE`, `run` and `figures`."""
