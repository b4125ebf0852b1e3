"""PostgreSQL's own tools: ``pg_dump``, ``pg_restore`` and ``psql``, of the server's version."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from psycopg import conninfo

BEGINNING = b"PGDMP"

ATTEMPTS = 3
"""How often a restore begins again that other transactions have blocked (a deadlock)."""

VARIABLES = {
    "host": "PGHOST", "hostaddr": "PGHOSTADDR", "port": "PGPORT", "user": "PGUSER",
    "password": "PGPASSWORD", "dbname": "PGDATABASE", "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY",
}  # fmt: skip
"""How the tools are told where to connect: other users can read arguments, passwords included."""

DROP_EVERYTHING = r"""
SET client_min_messages = warning;
SELECT format('DROP TABLE %s CASCADE;', string_agg(format('%I.%I', schemaname, tablename), ', '))
FROM pg_tables WHERE schemaname = current_schema() HAVING count(*) > 0 \gexec
SELECT format('DROP FUNCTION %s CASCADE;', p.oid::regprocedure)
FROM pg_proc p WHERE p.pronamespace = current_schema()::regnamespace
AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e') \gexec
"""


class ToolFailed(Exception):
    """One of PostgreSQL's tools failed; the message is what it said."""


def save_database(url: str, file: Path) -> None:
    """Dump the database of ``url`` to ``file``. Raises `ToolFailed`."""
    _run(["pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={file}"], url)
    _run(["pg_restore", "--list", str(file)], url)


def restore(file: Path, url: str) -> None:
    """Replace all tables in the database of ``url`` by those of ``file``, in one transaction.

    Raises `ToolFailed`, with the database as it was.
    """
    _run(["pg_restore", "--list", str(file)], url)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _restore(file, url)
        except ToolFailed as error:
            if "deadlock detected" not in str(error) or attempt == ATTEMPTS:
                raise ToolFailed(f"{error} Nothing was changed.") from error
        else:
            return


def _restore(file: Path, url: str) -> None:
    psql = ["psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file=-"]
    with _started(psql, url) as into:
        assert into.stdin is not None
        unread = ""
        # A psql that met an error has ended, and has told why.
        with suppress(BrokenPipeError):
            into.stdin.write(f"BEGIN;\n{DROP_EVERYTHING}".encode())
            into.stdin.flush()
            if not (unread := _pour(file, url, into)):
                # Only now is it known that the file was read to its end.
                into.stdin.write(b"\nCOMMIT;\n")
        _, errors = into.communicate()
    if unread or into.returncode:
        raise ToolFailed(_first_error(errors.decode() or unread))


def _pour(file: Path, url: str, into: subprocess.Popen[bytes]) -> str:
    """Have ``pg_restore`` write its SQL to ``psql``; return what went wrong."""
    command = ["pg_restore", "--no-owner", "--no-privileges", "--file=-", str(file)]
    done = subprocess.run(
        command, env=_environment(url), stdout=into.stdin, stderr=subprocess.PIPE, check=False
    )
    return done.stderr.decode() or "pg_restore failed" if done.returncode else ""


def _run(command: Sequence[str], url: str) -> None:
    with _started(command, url) as process:
        _, errors = process.communicate()
    if process.returncode:
        raise ToolFailed(_first_error(errors.decode()))


def _started(command: Sequence[str], url: str) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    try:
        return subprocess.Popen(
            command, env=_environment(url), stdin=pipe, stdout=subprocess.DEVNULL, stderr=pipe
        )
    except FileNotFoundError:
        raise ToolFailed(
            f"{command[0]} is missing. Install PostgreSQL's client programs, of the server's "
            "version or newer (Debian: postgresql-client)."
        ) from None


def _environment(url: str) -> dict[str, str]:
    given = conninfo.conninfo_to_dict(url)
    return os.environ | {
        variable: str(given[name]) for name, variable in VARIABLES.items() if given.get(name)
    }


def _first_error(said: str) -> str:
    lines = [line for line in said.splitlines() if "error" in line.lower()] or said.splitlines()
    return lines[0].strip() if lines else "it failed and said nothing."
