"""A shop of ``serve.py`` with a mail server, whose parts can be killed and made to fail."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psycopg

from tests import ROOT
from tests.support import databases, patience
from tests.support.mailbox import Mailbox
from tooling.serving import free_ports

PROC = Path("/proc")
TRIES = 30
WORK_DONE = (
    "SELECT (SELECT coalesce(max(id), 0) FROM event) "
    "+ (SELECT count(*) FROM job WHERE status = 'done')"
)
SETTINGS = {
    "HOST": "127.0.0.1",
    "RATE_LIMITS": "off",
    "SANDBOX_LATENCY": "0.1",
    "JOB_LEASE": "3",
    "WEB_PROCESSES": "2",
}


class RunningShop:
    """The shop's processes, its addresses, its database and its mail server."""

    def __init__(self, folder: Path, database_url: str, mailbox: Mailbox, **changes: str) -> None:
        port, sandbox_port = free_ports(2)
        self.folder, self.database_url, self.mailbox = folder, database_url, mailbox
        self.url = f"http://localhost:{port}"
        self.sandbox_url = f"http://127.0.0.1:{sandbox_port}"
        self.sandbox_database = folder / "sandbox.db"
        self.environment = {
            **os.environ,
            **SETTINGS,
            "DATABASE_URL": database_url,
            "PORT": str(port),
            "SANDBOX_PORT": str(sandbox_port),
            "SANDBOX_URL": self.sandbox_url,
            "SANDBOX_DATABASE": str(self.sandbox_database),
            "SMTP_URL": mailbox.url,
            **changes,
        }
        self.process: subprocess.Popen[bytes] | None = None
        self._others: list[subprocess.Popen[bytes]] = []
        self._log = folder / "serve.log"

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is a file of SQLite."""
        return self.database_url.startswith("sqlite")

    # --- Processes -------------------------------------------------------------------------

    def start(self) -> None:
        """Start ``serve.py`` and wait until it is open."""
        began = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "serve.py"],
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        patience.wait_until(lambda: self._has_opened(began), lambda: self._log.stat().st_size)

    def _has_opened(self, began: int) -> bool:
        if b"is open: " in self._log.read_bytes()[began:]:
            return True
        if self.process is None or self.process.poll() is not None:
            raise RuntimeError(f"the shop did not open:\n{self._log.read_text()[-3000:]}")
        return False

    def stop(self) -> None:
        """End every process."""
        for each in [*self._others, self.process]:
            if each is not None and each.poll() is None:
                each.send_signal(signal.SIGTERM)
                each.wait(patience.STUCK)

    def add_workers(self, number: int) -> None:
        """Start that many workers beside the supervised one."""
        command = [sys.executable, "-m", "flask", "--app", "app", "worker"]
        with self._log.open("ab") as output:
            for _ in range(number):
                self._others.append(
                    subprocess.Popen(
                        command, cwd=ROOT, env=self.environment, stdout=output, stderr=output
                    )
                )

    def descendants(self, word: str = "") -> list[int]:
        """Return the supervised processes, and theirs, whose command has this word."""
        parents = dict(_parents())
        found = {self.process.pid} if self.process else set()
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        found -= {self.process.pid} if self.process else set()
        return [pid for pid in sorted(found) if word in _command(pid)]

    def kill(self, word: str) -> None:
        """Kill one of the processes with this word in their command, at random."""
        victims = self.descendants(word)
        if victims:
            with suppress(ProcessLookupError):
                os.kill(random.choice(victims), signal.SIGKILL)

    def power_cut(self) -> None:
        """Kill every process at once, and start again."""
        assert self.process is not None
        children = self.descendants()
        for pid in [self.process.pid, *children]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        while any((PROC / str(pid)).exists() and _command(pid) for pid in children):
            time.sleep(0.05)
        self.start()

    def limit_files(self, size: int) -> None:
        """Let no process write beyond this size of a file, as on a full disk (-1: any size)."""
        import resource

        for pid in self.descendants():
            with suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    # --- Database --------------------------------------------------------------------------

    def lock_database(self, seconds: float) -> None:
        """Keep every writer out for a while."""
        if self.is_sqlite:
            path = self.database_url.removeprefix("sqlite:///")
            with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as rival:
                rival.execute("BEGIN IMMEDIATE")
                time.sleep(seconds)
                rival.execute("ROLLBACK")
            return
        with psycopg.connect(self.database_url) as rival:
            rival.execute("LOCK TABLE job, purchase_order, payment, seat IN ACCESS EXCLUSIVE MODE")
            time.sleep(seconds)
            rival.rollback()

    def cut_connections(self) -> None:
        """End every connection to PostgreSQL."""
        with psycopg.connect(self.database_url, autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )

    def stop_database(self, seconds: float) -> None:
        """Stop the tests' server of PostgreSQL, and start it again after a while."""
        with psycopg.connect(self.database_url) as opened:
            (folder,) = opened.execute("SHOW data_directory").fetchone() or ("",)
        with databases.postgresql_stopped(Path(folder)):
            time.sleep(seconds)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query of the shop's database."""
        if self.is_sqlite:
            path = self.database_url.removeprefix("sqlite:///")
            with closing(sqlite3.connect(path, timeout=60)) as opened:
                return opened.execute(sql).fetchall()
        with psycopg.connect(self.database_url) as opened:
            return opened.execute(sql.encode()).fetchall()

    def work_done(self) -> float:
        """Return a number that grows with what customers and workers do."""
        for _ in range(TRIES):
            # The database may be locked or stopped for some seconds.
            with suppress(sqlite3.Error, psycopg.Error):
                return float(self.query(WORK_DONE)[0][0])
            time.sleep(1)
        return 0.0

    # --- Outside parties -------------------------------------------------------------------

    def switch(self, **values: object) -> None:
        """Set switches of the sandbox."""
        self._control("switches", values)

    def advance_clock(self, seconds: float) -> None:
        """Move the clock of the shop and the sandbox on."""
        self._control("clock", {"advance_seconds": seconds})

    def pause(self, point: str, seconds: float) -> None:
        """Have the shop pause at a test point."""
        self._control("pauses", {"point": point, "seconds": seconds})

    def new_account(self) -> dict[str, str]:
        """Create a demo account."""
        return dict(self._control("accounts", {"language": "fr"}))

    def _control(self, name: str, body: object) -> Any:
        answer = httpx.post(
            f"{self.sandbox_url}/controls/{name}",
            json=body,
            timeout=patience.STUCK,
            trust_env=False,
        )
        return answer.raise_for_status().json()

    # --- The audit -------------------------------------------------------------------------

    def audit(self) -> list[str]:
        """Return what ``flask audit`` finds, with no time left for work under way."""
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "app", "audit", "--patience", "0"],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=patience.STUCK,
            check=False,
        )
        if done.returncode == 0 and "Not compared" not in done.stdout:
            return []
        return [*done.stdout.splitlines(), *done.stderr.splitlines()]

    def differences_at_bank(self) -> list[str]:
        """Compare the money that the shop says was taken with the books of the bank."""
        paid = dict(
            self.query(
                "SELECT checkout, coalesce(taken_cents, amount_cents) FROM payment "
                "WHERE method = 'card' AND checkout IS NOT NULL "
                "AND status IN ('succeeded', 'refund_due', 'refunded')"
            )
        )
        with closing(sqlite3.connect(self.sandbox_database, timeout=60)) as bank:
            books: dict[str, int] = dict(
                bank.execute("SELECT checkout_id, amount_cents FROM entry WHERE kind = 'payment'")
            )
        return [
            f"checkout {each}: {paid.get(each)} at the shop, {books.get(each)} at the bank"
            for each in sorted(paid.keys() | books.keys())
            if paid.get(each) != books.get(each)
        ]

    def doubled_emails(self, *, may_repeat: bool) -> list[str]:
        """Return the e-mails that the mail server accepted more often than is right: once.

        Where acceptance may be lost (``may_repeat``), one further attempt is right as well if
        the shop has the first on record, because the customer's list of e-mails says so.
        """
        unconfirmed = dict(self.query("SELECT id, unconfirmed FROM letter"))
        times = Counter(str(letter["Message-ID"]) for letter in list(self.mailbox.letters))
        right = {
            each: 1 + min(1, unconfirmed[int(each.split("-")[1])]) if may_repeat else 1
            for each in times
        }
        return [
            f"e-mail {each} came {number} times"
            for each, number in times.items()
            if number > right[each]
        ]


@contextmanager
def running(folder: Path, database_url: str, **changes: str) -> Iterator[RunningShop]:
    """Serve a shop on an empty database until the block ends."""
    with closing(Mailbox()) as mailbox:
        mailbox.open()
        shop = RunningShop(folder, database_url, mailbox, **changes)
        try:
            shop.start()
            yield shop
        finally:
            shop.stop()


def _parents() -> Iterator[tuple[int, int]]:
    for path in PROC.glob("[0-9]*/stat"):
        # A process may end while it is read.
        with suppress(OSError, ValueError):
            yield int(path.parent.name), int(path.read_text().rpartition(")")[2].split()[1])


def _command(pid: int) -> str:
    try:
        return (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""
