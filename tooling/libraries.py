"""The system libraries that WeasyPrint needs for PDF documents."""

from __future__ import annotations

import ctypes
from pathlib import Path

from tooling import apt
from tooling.report import SetupError

PACKAGES = {
    "libpango-1.0.so.0": "libpango-1.0-0",
    "libpangoft2-1.0.so.0": "libpangoft2-1.0-0",
    "libharfbuzz-subset.so.0": "libharfbuzz-subset0",
}
FONT_PACKAGE = "fonts-dejavu-core"
FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts")


def prepare() -> None:
    """Make sure that PDFs can be rendered. Raises `SetupError` that names what is missing."""
    if not (missing := missing_packages()):
        return
    if not apt.may_install():
        raise SetupError(
            "PDFs are drawn with Pango, HarfBuzz and the DejaVu fonts, and this machine lacks some "
            f"of them. On Debian or Ubuntu, run: sudo apt-get install {' '.join(missing)}"
        )
    apt.install(missing, "Libraries for PDF documents")


def missing_packages() -> list[str]:
    """Return the Debian packages of the libraries and fonts that are missing."""
    missing = [package for library, package in PACKAGES.items() if not _loads(library)]
    return missing if _has_fonts() else [*missing, FONT_PACKAGE]


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _has_fonts() -> bool:
    folders = (Path(folder).expanduser() for folder in FONT_FOLDERS)
    return any(next(folder.rglob("DejaVuSans.ttf"), None) for folder in folders)
