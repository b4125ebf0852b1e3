"""``serve.py`` with the worker of `e2e.worker`, whose PDFs are blank pages."""

from __future__ import annotations

import sys

import serve

if __name__ == "__main__":
    serve.WORKER[:] = [sys.executable, "-m", "e2e.worker"]
    sys.exit(serve.main())
