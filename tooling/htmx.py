"""The htmx that pages load from a CDN, for browser tests that reach no CDN.

It comes from npm, as the very file the CDN serves: the integrity hash is the pages' own.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import tarfile

from tooling import uv
from tooling.report import CACHE, ROOT, SetupError, Step, run

VERSION = "4.0.1"
INTEGRITY = "sha384-Qp9rdC8H7EqOoX+nR0P3RPG2Noji+qdwJlGpfzwQJsfOpp3sGwIdSP9xO3+UlEhn"
FILE = CACHE / f"htmx-{VERSION}.min.js"
NPM = CACHE / "npm"
NPM_REQUIREMENTS = ROOT / "requirements-npm.txt"


def prepare() -> None:
    """Make sure that `FILE` is there and is what the pages ask for."""
    if FILE.exists() and integrity(FILE.read_bytes()) == INTEGRITY:
        return
    CACHE.mkdir(exist_ok=True)
    npm = shutil.which("npm") or _install_npm()
    with Step(f"htmx {VERSION} (npm)"):
        run([npm, "pack", f"htmx.org@{VERSION}", "--silent", f"--pack-destination={CACHE}"])
    content = _minified()
    if integrity(content) != INTEGRITY:
        raise SetupError(f"npm's htmx {VERSION} is not the file the pages name: {INTEGRITY}")
    FILE.write_bytes(content)


def integrity(content: bytes) -> str:
    """The Subresource Integrity hash of ``content``, as browsers compute it."""
    return "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode()


def _minified() -> bytes:
    with tarfile.open(CACHE / f"htmx.org-{VERSION}.tgz") as package:
        member = package.extractfile("package/dist/htmx.min.js")
        return member.read() if member else b""


def _install_npm() -> str:
    """An npm from Python's packages, for a machine that has none."""
    npm = NPM / "bin" / "npm"
    if not npm.exists():
        uv.make_environment(NPM)
        uv.install(NPM / "bin" / "python", NPM_REQUIREMENTS, "npm (this machine has none)")
    return str(npm)
