"""The Python environment: created once, and changed only when a lock file changes."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from tooling import uv
from tooling.report import ROOT, Step

RUNTIME = ROOT / "requirements.txt"
DEVELOPMENT = ROOT / "requirements-dev.txt"

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
VENV = Path(os.path.abspath(ROOT / os.environ.get("VENV", ".venv")))
PYTHON = VENV / "bin" / "python"
STAMP = VENV / ".requirements"


def prepare(*, development: bool) -> None:
    """Make sure that the environment holds the packages of the shop, or also of its tests.

    An environment made by other means (``VENV=…`` names one without our stamp) is used as it is.
    """
    if not _is_managed():
        return
    installed = _installed()
    if development or DEVELOPMENT.name in "".join(installed):
        wanted = [RUNTIME, DEVELOPMENT]
    else:
        wanted = [RUNTIME]
    stamps = {_digest(path) for path in wanted}
    works = _works()
    if not works:
        _create()
    if not works or not stamps <= installed:
        uv.install(PYTHON, wanted[-1], f"Python packages from {wanted[-1].name}")
        STAMP.write_text("\n".join(sorted(stamps)) + "\n")


def _is_managed() -> bool:
    return STAMP.exists() or not PYTHON.exists() or VENV.parent == ROOT


def _digest(path: Path) -> str:
    digest = hashlib.sha256(VERSION.encode() + path.read_bytes())
    return f"{path.name} {digest.hexdigest()}"


def _installed() -> set[str]:
    return set(STAMP.read_text().splitlines()) if STAMP.exists() else set()


def _works() -> bool:
    """Say whether the environment's Python starts and has the expected version."""
    if not PYTHON.exists():
        return False
    command = "import sys; print(*sys.version_info[:2], sep='.')"
    result = subprocess.run([PYTHON, "-c", command], capture_output=True, text=True, check=False)
    return result.returncode == 0 and result.stdout.strip() == VERSION


def _create() -> None:
    uv.program()
    with Step(f"Python {VERSION} environment in {VENV.name}"):
        uv.make_environment(VENV)
    STAMP.touch()
