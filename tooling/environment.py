"""The Python environment: made once, filled from the hash-locked requirements, then left alone."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tooling import apt
from tooling.report import ROOT, SetupError, Step, run

RUNTIME = ROOT / "requirements.txt"
DEVELOPMENT = ROOT / "requirements-dev.txt"

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
VENV = Path(os.path.abspath(ROOT / os.environ.get("VENV", ".venv")))
PYTHON = VENV / "bin" / "python"
STAMP = VENV / ".requirements"


def prepare(*, development: bool) -> None:
    """Make sure that the environment has what runs the shop, or also what tests it.

    An environment somebody else made (``VENV=…`` naming one without our stamp) is used as it is.
    """
    wanted = [RUNTIME, DEVELOPMENT] if development else [RUNTIME]
    stamps = {_digest(path) for path in wanted}
    if _is_ours() and not stamps <= _installed():
        _make()
        _fill(wanted[-1])
        STAMP.write_text("\n".join(sorted(stamps)) + "\n")


def _is_ours() -> bool:
    return STAMP.exists() or not PYTHON.exists() or VENV.parent == ROOT


def _digest(path: Path) -> str:
    digest = hashlib.sha256(VERSION.encode() + path.read_bytes())
    return f"{path.name} {digest.hexdigest()}"


def _installed() -> set[str]:
    if not STAMP.exists() or not _works():
        return set()
    return set(STAMP.read_text().splitlines())


def _works() -> bool:
    """Whether the environment's Python still starts (its own may have been removed since)."""
    if not PYTHON.exists():
        return False
    return not subprocess.run([PYTHON, "-c", ""], capture_output=True, check=False).returncode


def _make() -> None:
    if _works():
        return
    if importlib.util.find_spec("ensurepip") is None:
        package = f"python{VERSION}-venv"
        if not apt.may_install():
            raise SetupError(
                f"{sys.executable} cannot make environments: its venv module is incomplete. "
                f"On Debian, install {package} as root, then run this again."
            )
        apt.install([package], "Python's venv module")
    with Step(f"Python environment in {VENV.name}"):
        run([sys.executable, "-m", "venv", "--clear", VENV])
    STAMP.touch()


def _fill(requirements: Path) -> None:
    total = requirements.read_text().count("==")
    found = 0

    def follow(line: str) -> None:
        nonlocal found
        if line.startswith(("Collecting ", "Requirement already satisfied")):
            found += 1
            step.progress(f"{min(found, total)} of {total} found")
        elif line.startswith("Installing collected"):
            step.progress("installing")

    with Step(f"Python packages from {requirements.name}") as step:
        pip_install(requirements, follow)


def pip_install(requirements: Path, follow: Callable[[str], None] | None = None) -> None:
    """Install exactly what a hash-locked requirements file names."""
    options = "--require-hashes --disable-pip-version-check --no-input --progress-bar off"
    run([PYTHON, "-m", "pip", "install", *options.split(), "--requirement", requirements], follow)
