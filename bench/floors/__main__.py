"""Serve the floors: ``python -m bench.floors PORT``, with the shop's server as lean as it gets."""

from __future__ import annotations

import sys

from granian.constants import Interfaces
from granian.log import LogLevels

from serving.web_server import Server

PROCESSES = 2

if __name__ == "__main__":
    Server(
        "bench.floors.application:application",
        port=int(sys.argv[1]),
        interface=Interfaces.WSGI,
        workers=PROCESSES,
        blocking_threads=1,
        log_level=LogLevels.warning,
    ).serve()
