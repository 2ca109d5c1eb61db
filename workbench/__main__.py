"""Run ``python3 -m workbench COMMAND``: the environment is made first where it is missing."""

import sys

# Before any other import, so that an interpreter too old to read the rest still says why.
if tuple(sys.version_info) < (3, 11):
    sys.exit("workbench needs Python 3.11 or later, this is Python " + sys.version.split()[0]
             + ". Install a newer one and run it by name, for instance: python3.11 -m workbench")

from workbench import environment

if __name__ == "__main__":
    environment.enter(sys.argv[1:])
    from workbench.cli import app

    app()
