"""Counting the SQL statements that something needs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

COUNTED = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")


class _Recorder(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.statements: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Note a statement; peewee logs each one before it runs it."""
        if isinstance(record.msg, tuple) and str(record.msg[0]).upper().startswith(COUNTED):
            self.statements.append(str(record.msg[0]))


@contextmanager
def recorded() -> Iterator[list[str]]:
    """The SQL statements this process runs meanwhile (transactions' own words left out)."""
    logger, recorder = logging.getLogger("peewee"), _Recorder()
    level, propagates = logger.level, logger.propagate
    logger.addHandler(recorder)
    logger.setLevel(logging.DEBUG)
    # Only this recorder wants them: pytest would write every statement down a second time.
    logger.propagate = False
    try:
        yield recorder.statements
    finally:
        logger.removeHandler(recorder)
        logger.setLevel(level)
        logger.propagate = propagates
