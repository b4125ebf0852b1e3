"""The bank's background worker: settles and expires checkouts, delivers notifications."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from flask import Flask

from sandbox.bank import checkouts, notifications, payouts, refunds
from sandbox.bank.models import Letter
from sandbox.database import Changes, database

log = logging.getLogger("sandbox")

POLL_SECONDS = 0.15
"""Seconds between two polls for due work, while there is some or the database changes."""

QUIET_POLL_SECONDS = 2.0
"""Seconds between two polls while nothing waits: pages of the bank may expire meanwhile."""

RETRY_SECONDS = 1.0
"""Seconds to wait after a poll that failed."""


class BankWorker:
    """A thread that polls for due work, and a pool of threads that deliver notifications.

    Deliveries run in parallel so that one slow response of the shop does not delay the others.
    """

    def __init__(self, app: Flask, threads: int = 4) -> None:
        self.app = app
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="notification-delivery")
        self._in_delivery: set[int] = set()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bank-worker", daemon=True)

    def start(self) -> BankWorker:
        """Start the thread. Work left over from an earlier process is due at once."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Finish the deliveries in progress and stop."""
        self._stopped.set()
        self._thread.join(timeout=15)
        self._pool.shutdown(wait=True)

    def _run(self) -> None:
        changes, is_waiting, next_poll = Changes(), True, 0.0
        with closing(changes):
            while not self._stopped.wait(POLL_SECONDS):
                try:
                    is_waiting |= changes.since_last_look() or time.monotonic() >= next_poll
                    if is_waiting:
                        next_poll = time.monotonic() + QUIET_POLL_SECONDS
                        is_waiting = self._poll()
                except Exception:  # one failed poll must not stop the worker
                    log.exception("bank_worker_poll_failed")
                    time.sleep(RETRY_SECONDS)

    def _poll(self) -> bool:
        """Do what is due; return whether more will be, at a time that has not come."""
        with self.app.app_context(), database.connection_context():
            checkouts.process_due_checkouts()
            refunds.process_due_refunds()
            payouts.process_due_payouts()
            for letter in notifications.due_letters():
                if letter.id not in self._in_delivery:
                    self._in_delivery.add(letter.id)
                    self._pool.submit(self._deliver, letter)
            return (
                checkouts.is_any_processing()
                or refunds.is_any_pending()
                or notifications.count_undelivered() > 0
            )

    def _deliver(self, letter: Letter) -> None:
        try:
            with self.app.app_context(), database.connection_context():
                notifications.deliver(letter)
        except Exception:
            log.exception("notification_delivery_failed")
        finally:
            self._in_delivery.discard(letter.id)
