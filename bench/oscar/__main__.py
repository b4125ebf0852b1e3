"""``python -m bench.oscar`` runs `bench.oscar.measuring`."""

from __future__ import annotations

import sys

from bench.oscar.measuring import main

if __name__ == "__main__":
    sys.exit(main())
