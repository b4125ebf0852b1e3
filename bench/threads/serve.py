"""``serve.py`` with the web server of `bench.threads.web`."""

from __future__ import annotations

import sys

import serve

if __name__ == "__main__":
    serve.WEB_SERVER[:] = [sys.executable, "-m", "bench.threads.web"]
    sys.exit(serve.main())
