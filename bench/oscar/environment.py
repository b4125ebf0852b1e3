"""Oscar's own Python environment and its database, in ``build/oscar``; not part of ours."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Mapping

from bench.oscar.accounts import ACCOUNTS
from tooling import uv
from tooling.lock import OSCAR, OSCAR_BUILT
from tooling.report import ROOT, Step

FOLDER = ROOT / "build" / "oscar"
VENV = FOLDER / "venv"
PYTHON = VENV / "bin" / "python"
DATABASE = FOLDER / "oscar.db"
STAMP = FOLDER / ".requirements"
REQUIREMENTS = ROOT / OSCAR

COMMAND = "python -m bench.oscar --install"
HOW_TO_INSTALL = f"django-oscar is not installed: {COMMAND}"


class OscarFailed(RuntimeError):
    """Oscar is not installed, or does not start; the message says what to do or what it said."""


def installed() -> bool:
    """Whether the environment holds what the lock names, and the database is there."""
    return STAMP.exists() and STAMP.read_text() == _wanted() and DATABASE.exists()


def install() -> None:
    """Make the environment, and the database that each measurement on SQLite copies.

    Raises `tooling.report.SetupError` or `OscarFailed`.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    STAMP.unlink(missing_ok=True)
    uv.make_environment(VENV)
    uv.install(PYTHON, REQUIREMENTS, "django-oscar", built=OSCAR_BUILT)
    with Step("Its database"):
        DATABASE.unlink(missing_ok=True)
        prepare(f"sqlite:///{DATABASE}")
    STAMP.write_text(_wanted())


def prepare(database_url: str) -> None:
    """Create tables, products and accounts. Raises `OscarFailed`."""
    command = [PYTHON, "-m", "bench.oscar.project.prepare", str(ACCOUNTS)]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment(database_url),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise OscarFailed(f"Oscar's database is not ready:\n{done.stdout}")


def environment(database_url: str) -> Mapping[str, str]:
    """Return the environment variables of Oscar's processes."""
    return {**os.environ, "OSCAR_DATABASE": database_url}


def _wanted() -> str:
    return hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
