"""uv, which installs everything else: itself installed by pip, at the hashes of its own lock.

A lock is a promise about what is installed, whatever is released after it. pip keeps it for one
package without dependencies or extras; for the rest, its versions differ in how they read a lock.
"""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import sys
from pathlib import Path

from tooling import apt
from tooling.report import CACHE, ROOT, SetupError, Step, run

REQUIREMENTS = ROOT / "requirements-uv.txt"
FOLDER = CACHE / "uv"
STAMP = FOLDER / ".requirements"
PROGRAM = FOLDER / "bin" / "uv"


def program() -> str:
    """The path of uv, which is installed first where it is missing or another version."""
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if not PROGRAM.exists() or not STAMP.exists() or STAMP.read_text() != wanted:
        _require_venv()
        with Step("uv, the installer") as step:
            shutil.rmtree(FOLDER, ignore_errors=True)
            run([sys.executable, "-m", "venv", FOLDER])
            step.progress("from PyPI")
            run(pip_command(FOLDER / "bin" / "python", REQUIREMENTS))
            STAMP.write_text(wanted)
    return str(PROGRAM)


def pip_command(python: Path, requirements: Path) -> list[str]:
    """How pip installs uv, and nothing else."""
    options = (
        "--require-hashes --only-binary :all: --no-user --disable-pip-version-check --no-input"
    )
    return [str(python), "-m", "pip", "install", *options.split(), "-r", str(requirements)]


def make_environment(folder: Path) -> None:
    """Make ``folder`` an empty environment of this Python, in the place of an older one."""
    command = [program(), "venv", "--quiet", "--no-project", "--python", sys.executable]
    replace = ["--clear"] if (folder / "pyvenv.cfg").exists() else []
    run([*command, *replace, folder])


def install(python: Path, requirements: Path, title: str) -> None:
    """Make ``python``'s environment hold exactly what a hash-locked requirements file names."""
    command = install_command(python, requirements)
    with Step(title) as step:
        run(command, lambda line: step.progress(line.strip()))


def install_command(python: Path, requirements: Path) -> list[str]:
    """How uv installs: every hash is checked, nothing is built, and what is not named is removed.

    It fails where the file lacks a package that another one needs, rather than choosing a release.
    """
    options = "--exact --require-hashes --no-build"
    return [
        *(program(), "pip", "install", *options.split()),
        *("--python", str(python), "--requirement", str(requirements)),
    ]


def _require_venv() -> None:
    """Have Python's venv module complete; raises `SetupError` where it cannot be had."""
    if importlib.util.find_spec("ensurepip") is not None:
        return
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    if not apt.may_install():
        raise SetupError(
            f"{sys.executable} cannot make environments: its venv module is incomplete. "
            f"On Debian, install {package} as root, then run this again."
        )
    apt.install([package], "Python's venv module")
