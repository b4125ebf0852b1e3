"""Compilation of the translation catalogues that have changed."""

from __future__ import annotations

from pathlib import Path

from tooling.environment import PYTHON
from tooling.report import ROOT, Step, run

TRANSLATIONS = ROOT / "translations"


def prepare(python: str | Path = PYTHON) -> None:
    """Compile, with the Babel of ``python``, each catalogue that is newer than its ``.mo``."""
    stale = [path for path in TRANSLATIONS.rglob("*.po") if _is_stale(path)]
    if stale:
        with Step("Translations"):
            for path in stale:
                _compile(path, python)


def _is_stale(path: Path) -> bool:
    compiled = path.with_suffix(".mo")
    return not compiled.exists() or compiled.stat().st_mtime <= path.stat().st_mtime


def _compile(path: Path, python: str | Path) -> None:
    run(
        [python, "-m", "babel.messages.frontend", "compile", "--input-file", path]
        + ["--output-file", path.with_suffix(".mo"), "--locale", path.parent.parent.name]
    )
