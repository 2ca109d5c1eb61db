"""Run the command line: ``python -m workbench.cli COMMAND``."""

from workbench.cli import app

if __name__ == "__main__":
    app()
