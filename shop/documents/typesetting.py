"""Typst: PDFs for archives (PDF/A-3a) and for screen readers (PDF/UA-1) at once.

Typst reads the files of ``templates/documents/`` and the fonts of the locked packages, nothing
else. Texts reach a template as files in memory, which are never read as markup: given as
``sys.inputs``, they would have Typst read its templates anew for each paper.
"""

from __future__ import annotations

import os
import threading
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import typst

from shop import clock
from shop.settings import ROOT

TEMPLATES = ROOT / "templates" / "documents"
STANDARDS: list[typst.PDFStandard] = ["a-3a", "ua-1"]

FONT_PACKAGES = {
    "font_source_sans_pro": "files",
    "manimgx_fonts": "",
    "manimgx_fonts_cjk": "",
}
"""The packages of fonts, with the folder in each: Source Sans, and Noto for all other scripts."""


class ForkedProcessError(RuntimeError):
    """This process was forked from one that had typeset: Typst's threads stayed behind there."""


class _Typesetter(threading.local):
    """Typst for one thread: a compiler cannot be used by two at once, and needs no lock so."""

    def __init__(self) -> None:
        self.compiler = typst.Compiler(root=TEMPLATES, font_paths=fonts(), ignore_system_fonts=True)


def folder_of(package: str) -> Path:
    """Return the folder of the files of a package of fonts."""
    return Path(str(files(package))) / FONT_PACKAGES[package]


@cache
def fonts() -> typst.Fonts:
    """Return the fonts of all papers, found once per process: never those of the machine."""
    folders = [folder_of(package) for package in FONT_PACKAGES]
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=folders)


@cache
def _first_process() -> int:
    return os.getpid()


@cache
def _typesetter() -> _Typesetter:
    return _Typesetter()


def typeset(source: bytes, texts: dict[str, str]) -> bytes:
    """Return a Typst document as PDF; it reads ``texts`` by their names, as ``/paper``.

    Raise `typst.TypstError` if it is wrong, or if a text has no glyph in any font.
    """
    if _first_process() != os.getpid():
        raise ForkedProcessError("start this process again instead of forking it: it would hang")
    project: Any = {"main": source, **{name: text.encode() for name, text in texts.items()}}
    made = _typesetter().compiler.compile(
        project,
        format="pdf",
        pdf_standards=STANDARDS,
        timestamp=int(clock.now().timestamp()),
    )
    assert isinstance(made, bytes)
    return made
