"""Recording of the SQL statements of a block."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from peewee import PostgresqlDatabase

from models import database

COUNTED = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")


class _Recorder(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.statements: list[str] = []
        self.asked: list[tuple[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Record a statement; Peewee logs each one before it runs it."""
        if isinstance(record.msg, tuple) and str(record.msg[0]).lstrip("(").startswith(COUNTED):
            self.statements.append(str(record.msg[0]))
            self.asked.append((record.msg[0], record.msg[1]))


@contextmanager
def recorded() -> Iterator[list[str]]:
    """Provide the list of SQL statements that the block runs, without BEGIN and COMMIT."""
    with _recorder() as recorder:
        yield recorder.statements


NEVER_COUNTED = """
UPDATE pg_class SET reltuples = -1, relpages = 0
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i')
"""
"""Has PostgreSQL take tables for larger than they are: as if it had not counted their few rows."""


def scanned_by(act: Callable[[], object]) -> list[str]:
    """Return the lines of the plans of an act's statements that read a whole table."""
    return [line for line in plan_of(act) if _reads_all(line)]


def plan_of(act: Callable[[], object]) -> list[str]:
    """Return the lines of the plans of an act's statements, for large tables."""
    with _recorder() as recorder:
        act()
    assert recorder.asked
    return [line for asked in recorder.asked for line in _plan(*asked)]


def _plan(sql: str, parameters: Any) -> list[str]:
    """Return the plan of a statement for large tables."""
    execute = database.execute_sql
    if not isinstance(database.obj, PostgresqlDatabase):
        return [row[3] for row in execute(f"EXPLAIN QUERY PLAN {sql}", parameters).fetchall()]
    with database.atomic() as transaction:
        execute("SET LOCAL enable_seqscan = off")
        if execute("SHOW is_superuser").fetchone()[0] == "on":
            execute(NEVER_COUNTED)
        lines = [row[0] for row in execute(f"EXPLAIN {sql}", parameters).fetchall()]
        transaction.rollback()
    return lines


def _reads_all(line: str) -> bool:
    return "Seq Scan" in line or (line.startswith("SCAN") and "CONSTANT" not in line)


@contextmanager
def _recorder() -> Iterator[_Recorder]:
    logger, recorder = logging.getLogger("peewee"), _Recorder()
    level, propagates = logger.level, logger.propagate
    logger.addHandler(recorder)
    logger.setLevel(logging.DEBUG)
    # For this recorder only: pytest would capture every statement a second time.
    logger.propagate = False
    try:
        yield recorder
    finally:
        logger.removeHandler(recorder)
        logger.setLevel(level)
        logger.propagate = propagates
