"""The htmx file that pages load from a CDN: the copy on this site for when the CDN does not answer.

It comes from npm and is the same file: its integrity hash is the one in the pages.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import tarfile
import time

from tooling import uv
from tooling.report import CACHE, ROOT, SetupError, Step, run

VERSION = "4.0.1"
INTEGRITY = "sha384-Qp9rdC8H7EqOoX+nR0P3RPG2Noji+qdwJlGpfzwQJsfOpp3sGwIdSP9xO3+UlEhn"
FILE = CACHE / f"htmx-{VERSION}.min.js"
FAILED = CACHE / "htmx-missing"
RETRY_AFTER = 24 * 3600
"""Seconds until set-up tries again to fetch a copy that it can do without."""
NPM = CACHE / "npm"
NPM_REQUIREMENTS = ROOT / "requirements-npm.txt"


def prepare() -> None:
    """Make sure that `FILE` exists and has the integrity hash of the pages."""
    if FILE.exists() and integrity(FILE.read_bytes()) == INTEGRITY:
        return
    CACHE.mkdir(exist_ok=True)
    npm = shutil.which("npm") or _install_npm()
    with Step(f"htmx {VERSION} (npm)"):
        run([npm, "pack", f"htmx.org@{VERSION}", "--silent", f"--pack-destination={CACHE}"])
    content = _minified()
    if integrity(content) != INTEGRITY:
        raise SetupError(
            f"npm's htmx {VERSION} does not have the integrity hash of the pages: {INTEGRITY}"
        )
    FILE.write_bytes(content)


def prepare_if_possible() -> None:
    """Do what `prepare` does, or say why not: pages work without the copy, as long as the CDN does.

    An attempt that failed is not repeated for a day.
    """
    if FAILED.exists() and time.time() - FAILED.stat().st_mtime < RETRY_AFTER:
        return
    try:
        prepare()
    except SetupError as error:
        FAILED.touch()
        print(f"· Without a copy of htmx on this site: {error}", flush=True)


def integrity(content: bytes) -> str:
    """Return the Subresource Integrity hash of ``content``."""
    return "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode()


def _minified() -> bytes:
    with tarfile.open(CACHE / f"htmx.org-{VERSION}.tgz") as package:
        member = package.extractfile("package/dist/htmx.min.js")
        return member.read() if member else b""


def _install_npm() -> str:
    """Install npm from a Python package, for a machine without npm; return its path."""
    npm = NPM / "bin" / "npm"
    if not npm.exists():
        uv.make_environment(NPM)
        uv.install(NPM / "bin" / "python", NPM_REQUIREMENTS, "npm (this machine has none)")
    return str(npm)
