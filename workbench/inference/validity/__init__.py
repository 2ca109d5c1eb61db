"""Answers that stay valid when questions depend on earlier answers: the pieces."""
