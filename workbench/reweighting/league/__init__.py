"""A league of weighters on one data set: tasks, simulated trouble, trainings and their table."""
