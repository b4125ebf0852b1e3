"""The shop's web server with as many threads a process as ``BENCH_THREADS`` says."""

from __future__ import annotations

import os
from collections.abc import Callable

import asgi
from serving.buffering import BufferedApplication, Limits

THREADS = "BENCH_THREADS"


def create(stopping: Callable[[], bool] = lambda: False) -> BufferedApplication:
    """Return the shop as an ASGI application."""
    return asgi.create(stopping, limits=Limits(threads=int(os.environ[THREADS])))


if __name__ == "__main__":
    # Its processes import this module by name, and must find the same functions there.
    from bench.threads import web

    asgi.main(web.create)
