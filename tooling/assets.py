"""The files that pages load: built where a source is newer (web/asset_build.py does the work)."""

from __future__ import annotations

from pathlib import Path

from tooling import fonts, htmx
from tooling.environment import PYTHON
from tooling.report import ROOT, Step, run

STATIC = ROOT / "static"
BUILT = STATIC / "built"
MANIFEST = BUILT / "manifest.json"
BUILDER = ROOT / "web" / "asset_build.py"


def prepare(python: str | Path = PYTHON) -> None:
    """Build style sheet, scripts and pictures; what set-up has fetched from npm, too."""
    if _is_stale():
        with Step("Styles and scripts"):
            run([python, "-m", "web.asset_build", *map("=".join, _fetched())])


def _is_stale() -> bool:
    if not MANIFEST.exists():
        return True
    sources = [path for path in STATIC.rglob("*") if path.is_file() and BUILT not in path.parents]
    newest = max(
        path.stat().st_mtime
        for path in [*sources, BUILDER, *(Path(path) for _, path in _fetched())]
    )
    return MANIFEST.stat().st_mtime <= newest


def _fetched() -> list[tuple[str, str]]:
    """Return the name on this site and the path of each file that set-up has fetched from npm."""
    named = {"htmx.js": htmx.FILE} | fonts.FILES
    return [(name, str(path)) for name, path in named.items() if path.exists()]
