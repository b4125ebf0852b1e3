"""Set up what a make target needs: ``python3 -m tooling run`` or ``python3 -m tooling test``.

An old Python can still parse this module, so that it can report that it is too old.
"""

import sys

from tooling import NEWEST, OLDEST

if sys.version_info < OLDEST:
    sys.exit(
        "This needs Python {} or newer; {} is Python {}. Name a newer one like this: "
        "make PYTHON=python3.12 run".format(
            ".".join(map(str, OLDEST)), sys.executable, sys.version.split()[0]
        )
    )

if sys.version_info[:2] > NEWEST:
    print(
        "Python {} is newer than any the locked packages were built for, and some may be missing. "
        "If so, name an older one like this: make PYTHON=python{} run".format(
            sys.version.split()[0], ".".join(map(str, NEWEST))
        )
    )

# A newer Python's syntax from here on.
from tooling import steps

sys.exit(steps.main(sys.argv[1:]))
