"""The web server: Granian's processes, which are told before they have to stop."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from granian import Granian
from granian.constants import Interfaces, Loops
from granian.log import LogLevels

CONNECTIONS = 8192
"""Clients that one web process serves at one time, most of them slow or idle."""

BACKLOG = 4096
KILL_TIMEOUT = 12
"""Seconds a process has to finish the requests in hand."""

Load = Callable[[Callable[[], bool]], Any]
"""Makes the application of a process; the argument says whether that process is to stop."""


@dataclass(frozen=True)
class Listening:
    """Where the server listens, in how many processes, and how it stops."""

    host: str
    port: int
    processes: int
    notice: float
    """Seconds from the signal to stop, when /readyz turns, until nothing is accepted any more."""


class Server(Granian):  # type: ignore[valid-type]
    """Granian, whose processes keep to a processor each if all processors have equally many.

    One that is told to stop while it still loads the application ends at once.
    """

    def _spawn_worker(self, idx: int, target: Any, callback_loader: Callable[[], Any]) -> Any:
        load = partial(_load_in_process, idx, self.workers, callback_loader)
        return super()._spawn_worker(idx, target, load)


class WebServer(Server):
    """The shop's server, which gives notice to its processes before it stops them."""

    def __init__(self, where: Listening) -> None:
        super().__init__(
            "asgi:create",
            address=where.host,
            port=where.port,
            interface=Interfaces.ASGI,
            loop=Loops.uvloop,
            workers=where.processes,
            websockets=False,
            backlog=BACKLOG,
            backpressure=CONNECTIONS,
            log_level=LogLevels.warning,
            respawn_failed_workers=True,
            workers_kill_timeout=KILL_TIMEOUT,
        )
        self._notice = where.notice
        self.stopping = multiprocessing.get_context("spawn").Event()

    def shutdown(self, exit_code: int = 0) -> None:
        """Tell the processes, wait for the notice to pass, and stop."""
        self.stopping.set()
        time.sleep(self._notice)
        super().shutdown(exit_code)


def run(load: Load, where: Listening) -> None:
    """Serve what ``load`` makes in each process, until SIGTERM or SIGINT."""
    server = WebServer(where)
    server.serve(target_loader=partial(load, server.stopping.is_set), wrap_loader=False)


def _load_in_process(number: int, processes: int, load: Callable[[], Any]) -> Any:
    # It was forked with the handlers of its parent, which would do nothing here but keep it alive.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_DFL)
    keep_to_processor(number, processes)
    return load()


def keep_to_processor(number: int, processes: int) -> None:
    """Have process ``number`` of ``processes`` run on one processor, if all have equally many.

    A process of Python computes in one thread at a time. Its threads, which hand each request to
    each other, would be spread over all processors, and find little of it in the caches of each.
    """
    if not hasattr(os, "sched_setaffinity"):
        return
    processors = sorted(os.sched_getaffinity(0))
    if processes % len(processors) == 0:
        os.sched_setaffinity(0, {processors[number % len(processors)]})
