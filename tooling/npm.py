"""Files of npm's packages, got by its own client: each of a fixed version, with a fixed hash."""

from __future__ import annotations

import base64
import hashlib
import shutil
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tooling import uv
from tooling.report import CACHE, ROOT, SetupError, Step, run

FOLDER = CACHE / "npm"
REQUIREMENTS = ROOT / "requirements-npm.txt"
RETRY_AFTER = 24 * 3600
"""Seconds until set-up tries again to fetch what it can do without."""


@dataclass(frozen=True)
class Package:
    """A package of the registry, and what messages call it."""

    name: str
    version: str
    title: str

    @property
    def archive(self) -> Path:
        """The file that ``npm pack`` writes."""
        stem = self.name.removeprefix("@").replace("/", "-")
        return CACHE / f"{stem}-{self.version}.tgz"

    @property
    def url(self) -> str:
        """The package URL (purl), by which bills of materials name it."""
        return f"pkg:npm/{self.name.replace('@', '%40')}@{self.version}"


@dataclass(frozen=True)
class Member:
    """A file of a package: where it is in there, and its integrity hash."""

    path: str
    integrity: str


def fetch(package: Package, wanted: dict[Path, Member]) -> None:
    """Make sure that the files exist with their hashes. Raise `SetupError` if npm's have others."""
    if all(is_there(path, member.integrity) for path, member in wanted.items()):
        return
    CACHE.mkdir(exist_ok=True)
    npm = shutil.which("npm") or _install()
    with Step(f"{package.title} {package.version} (npm)"):
        pack = f"{package.name}@{package.version}"
        run([npm, "pack", pack, "--silent", f"--pack-destination={CACHE}"])
    for path, member in wanted.items():
        content = _content(package.archive, member.path)
        if integrity(content) != member.integrity:
            raise SetupError(
                f"npm's {package.title} {package.version} does not have the integrity hash of this "
                f"source tree: {member.integrity}"
            )
        path.write_bytes(content)


def if_possible(prepare: Callable[[], None], failed: Path, missing: str) -> None:
    """Call ``prepare``, or say what is ``missing`` without it and why.

    An attempt that failed is not repeated for a day; the file ``failed`` remembers it.
    """
    if failed.exists() and time.time() - failed.stat().st_mtime < RETRY_AFTER:
        return
    try:
        prepare()
    except SetupError as error:
        failed.touch()
        print(f"· Without {missing} on this site: {error}", flush=True)


def is_there(path: Path, expected: str) -> bool:
    """Return whether a file exists and has the integrity hash."""
    return path.exists() and integrity(path.read_bytes()) == expected


def integrity(content: bytes) -> str:
    """Return the Subresource Integrity hash of ``content``."""
    return "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode()


def _content(archive: Path, path: str) -> bytes:
    with tarfile.open(archive) as files:
        member = files.extractfile(f"package/{path}")
        return member.read() if member else b""


def _install() -> str:
    """Install npm from a Python package, for a machine without npm; return its path."""
    npm = FOLDER / "bin" / "npm"
    if not npm.exists():
        uv.make_environment(FOLDER)
        uv.install(FOLDER / "bin" / "python", REQUIREMENTS, "npm (this machine has none)")
    return str(npm)
