"""JupyterLab as a way into the studies: how it starts and what it offers."""
