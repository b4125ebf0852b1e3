"""The background of the bank: outcomes told in time, notifications carried to the shop."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from flask import Flask

from sandbox.bank import checkouts, notifications
from sandbox.bank.models import Letter
from sandbox.database import database

log = logging.getLogger("sandbox")

EVERY = 0.15
"""Seconds between two looks at what is due."""

AFTER_A_FALL = 1.0
"""Seconds to wait after a round that failed."""


class Carriers:
    """A thread that looks at what is due, and a few that carry letters, so that one slow shop
    process does not hold the others up."""

    def __init__(self, app: Flask, hands: int = 4) -> None:
        self.app = app
        self._hands = ThreadPoolExecutor(hands, thread_name_prefix="carrier")
        self._busy: set[int] = set()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="carriers", daemon=True)

    def start(self) -> Carriers:
        """Begin; what was left when the last process ended is carried first."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Finish the letters under way and end."""
        self._stopped.set()
        self._thread.join(timeout=15)
        self._hands.shutdown(wait=True)

    def _run(self) -> None:
        while not self._stopped.wait(EVERY):
            try:
                self._look()
            except Exception:  # the bank goes on working whatever happened to one round
                log.exception("the carriers stumbled")
                time.sleep(AFTER_A_FALL)

    def _look(self) -> None:
        with self.app.app_context(), database.connection_context():
            checkouts.tend()
            for letter in notifications.due():
                if letter.id not in self._busy:
                    self._busy.add(letter.id)
                    self._hands.submit(self._carry, letter)

    def _carry(self, letter: Letter) -> None:
        try:
            with self.app.app_context(), database.connection_context():
                notifications.deliver(letter)
        except Exception:
            log.exception("a letter could not be carried")
        finally:
            self._busy.discard(letter.id)
