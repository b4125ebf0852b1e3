"""Recording of the SQL statements of a block."""

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
        """Record a statement; Peewee logs each one before it runs it."""
        if isinstance(record.msg, tuple) and str(record.msg[0]).upper().startswith(COUNTED):
            self.statements.append(str(record.msg[0]))


@contextmanager
def recorded() -> Iterator[list[str]]:
    """Provide the list of SQL statements that the block runs, without BEGIN and COMMIT."""
    logger, recorder = logging.getLogger("peewee"), _Recorder()
    level, propagates = logger.level, logger.propagate
    logger.addHandler(recorder)
    logger.setLevel(logging.DEBUG)
    # For this recorder only: pytest would capture every statement a second time.
    logger.propagate = False
    try:
        yield recorder.statements
    finally:
        logger.removeHandler(recorder)
        logger.setLevel(level)
        logger.propagate = propagates
