"""What is to be executed: notebooks, their parameters, grids of them, tasks."""
