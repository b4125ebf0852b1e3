"""uv, which installs all packages. pip installs uv itself, with the hashes of its own lock.

A lock must give the same packages whatever is released later. pip guarantees this for one package
without dependencies or extras; for others, its versions differ in how they read a lock.
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
    """Return the path of uv; install it first if it is missing or has another version."""
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
    """Return the pip command that installs uv."""
    options = (
        "--require-hashes --only-binary :all: --no-user --disable-pip-version-check --no-input"
    )
    return [str(python), "-m", "pip", "install", *options.split(), "-r", str(requirements)]


def make_environment(folder: Path) -> None:
    """Create an empty environment of this Python in ``folder``; replace an older one."""
    command = [program(), "venv", "--quiet", "--no-project", "--python", sys.executable]
    replace = ["--clear"] if (folder / "pyvenv.cfg").exists() else []
    run([*command, *replace, folder])


def install(python: Path, requirements: Path, title: str, *, built: str = "") -> None:
    """Make ``python``'s environment hold exactly the packages of a hash-locked file."""
    command = install_command(python, requirements, built=built)
    with Step(title) as step:
        run(command, lambda line: step.progress(line.strip()))


def install_command(python: Path, requirements: Path, *, built: str = "") -> list[str]:
    """Return the uv command: it checks all hashes, builds nothing, removes other packages.

    It fails if the file lacks a dependency, instead of choosing a release itself. The package
    ``built`` has no wheel; it is built by what the file itself holds.
    """
    options = "--exact --require-hashes"
    return [
        *(program(), "pip", "install", *options.split(), *wheels_only(built)),
        *(("--no-build-isolation-package", built) if built else ()),
        *("--python", str(python), "--requirement", str(requirements)),
    ]


def wheels_only(built: str = "") -> list[str]:
    """Return uv's options for packages that are not built, all but one."""
    return ["--only-binary", ":all:", *(("--no-binary", built) if built else ())]


def _require_venv() -> None:
    """Make sure that Python's venv module is complete. Raises `SetupError` if it cannot be."""
    if importlib.util.find_spec("ensurepip") is not None:
        return
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    if not apt.may_install():
        raise SetupError(
            f"{sys.executable} cannot make environments: its venv module is incomplete. "
            f"On Debian, install {package} as root, then run this again."
        )
    apt.install([package], "Python's venv module")
