"""What visitors can choose on the figures of a study, and what the study tells of it."""
