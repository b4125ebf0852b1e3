"""The files that pages load: built where a source is newer (web/asset_build.py does the work)."""

from __future__ import annotations

from pathlib import Path

from tooling import htmx
from tooling.environment import PYTHON
from tooling.report import ROOT, Step, run

STATIC = ROOT / "static"
BUILT = STATIC / "built"
MANIFEST = BUILT / "manifest.json"
BUILDER = ROOT / "web" / "asset_build.py"


def prepare(python: str | Path = PYTHON) -> None:
    """Build style sheet, scripts and pictures; the copy of htmx, too, if set-up has fetched it."""
    if _is_stale():
        with Step("Styles and scripts"):
            run([python, "-m", "web.asset_build", *_copy()])


def _is_stale() -> bool:
    if not MANIFEST.exists():
        return True
    sources = [path for path in STATIC.rglob("*") if path.is_file() and BUILT not in path.parents]
    newest = max(path.stat().st_mtime for path in [*sources, BUILDER, *_copy()])
    return MANIFEST.stat().st_mtime <= newest


def _copy() -> list[Path]:
    return [htmx.FILE] if htmx.FILE.exists() else []
