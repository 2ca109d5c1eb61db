"""The command line: ``python3 -m workbench COMMAND`` or ``workbench COMMAND``.

Heavy libraries are imported inside the commands, so that ``--help`` answers at once.
"""

from workbench.cli import contributing, execution, foreign, looking, serving, store
from workbench.cli.shell import app

__all__ = ["app", "contributing", "execution", "foreign", "looking", "serving",
           "store"]
