"""Servers of the pages: routes, files of runs, who may come in."""
