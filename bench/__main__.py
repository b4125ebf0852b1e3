"""``python -m bench`` runs `bench.journeys`."""

from __future__ import annotations

import sys

from bench.journeys import main

if __name__ == "__main__":
    sys.exit(main())
