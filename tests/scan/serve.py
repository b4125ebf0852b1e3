"""``serve.py`` with the web server of `tests.scan.web`."""

from __future__ import annotations

import sys

import serve

if __name__ == "__main__":
    serve.WEB_SERVER[:] = [sys.executable, "-m", "tests.scan.web"]
    sys.exit(serve.main())
