"""pip-audit, which asks whether a locked package has a known vulnerability; locked itself."""

from __future__ import annotations

import hashlib
import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tooling import uv
from tooling.report import CACHE, ROOT

REQUIREMENTS = ROOT / "requirements-audit.txt"
FOLDER = CACHE / "audit"
STAMP = FOLDER / ".requirements"
TIMEOUT = 300


@dataclass
class Audit:
    """How many packages the database of vulnerabilities knows, and which have one."""

    known: int = 0
    unknown: int = 0
    vulnerable: list[str] = field(default_factory=list)
    failed: str = ""


def ask(requirements: Path) -> Audit:
    """Ask about every package of a lock.

    Raises `tooling.report.SetupError` if pip-audit cannot be installed.
    """
    _prepare()
    options = "--disable-pip --progress-spinner off --format json --requirement".split()
    try:
        done = subprocess.run(
            [FOLDER / "bin" / "pip-audit", *options, requirements],
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Audit(failed=f"no answer in {TIMEOUT} seconds")
    return _read(done.stdout, done.stderr)


def _read(written: str, said: str) -> Audit:
    try:
        listed = json.loads(written)["dependencies"]
    except (ValueError, KeyError):
        return Audit(failed=said.strip().rpartition("\n")[2] or "pip-audit wrote nothing")
    audit = Audit()
    for each in listed:
        if "skip_reason" in each:
            audit.unknown += 1
            continue
        audit.known += 1
        for found in each["vulns"]:
            mended = ", ".join(found["fix_versions"]) or "no version yet"
            audit.vulnerable.append(
                f"{each['name']} {each['version']}: {found['id']}, mended in {mended}"
            )
    return audit


def _prepare() -> None:
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if STAMP.exists() and STAMP.read_text() == wanted:
        return
    uv.make_environment(FOLDER)
    uv.install(FOLDER / "bin" / "python", REQUIREMENTS, "pip-audit")
    STAMP.write_text(wanted)
