"""How much should this count? Weighting methods as studies: notebook, report and page.

The rooms are imported on their own, for instance ``import workbench.inference``; this module
names them and imports none, so that it stays cheap and free of heavy libraries.
"""

__all__ = ["ROOMS", "__version__"]

__version__ = "0.1.0"

ROOMS = ("core", "datasets", "inference", "plots", "runs", "studies", "ui")
