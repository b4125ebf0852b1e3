"""Programs of Debian packages for tests, unpacked beside the code and never installed.

Installing a web server would start it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest

from tooling.report import CACHE

FOLDER = CACHE / "debian"
SYSTEM = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


@cache
def find_program(program: str, package: str) -> str:
    """Return the path of a program: the system's, or one from a Debian package.

    Skip the test where the package cannot be had.
    """
    if found := shutil.which(program, path=SYSTEM):
        return found
    folder = FOLDER / package
    for place in ("usr/bin", "usr/sbin", "bin"):
        if (folder / place / program).exists():
            return str(folder / place / program)
    unpacked(package)
    find_program.cache_clear()
    return find_program(program, package)


def unpacked(package: str) -> Path:
    """Return a folder with the files of a Debian package; skip the test where it cannot be had."""
    folder = FOLDER / package
    if not folder.exists() and not (shutil.which("apt-get") and _unpack(package, folder)):
        pytest.skip(f"Debian's package {package} cannot be had here")
    return folder


def _unpack(package: str, folder: Path) -> bool:
    """Unpack a package; another process of the tests may do the same at the same time."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as scratch:
        place = Path(scratch)
        if not _download(package, place):
            # A new machine has no lists of packages yet; only root may fetch them.
            subprocess.run(["apt-get", "-qq", "update"], capture_output=True)
            if not _download(package, place):
                return False
        (archive,) = place.glob("*.deb")
        unpacked = place / "unpacked"
        if subprocess.run(["dpkg", "-x", archive, unpacked]).returncode != 0:
            return False
        with suppress(OSError):
            unpacked.rename(folder)
    return folder.exists()


def _download(package: str, folder: Path) -> bool:
    done = subprocess.run(["apt-get", "-qq", "download", package], cwd=folder, capture_output=True)
    return done.returncode == 0
