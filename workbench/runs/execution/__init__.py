"""From a plan to finished runs: papermill's engine, limits, workers, clusters."""
