"""WeasyPrint as release 1.1.0 calls it; each of its PDFs is the same blank page.

The lock no longer holds WeasyPrint, so that the former release cannot typeset here.
"""

from __future__ import annotations

from io import BytesIO

from pypdf import PdfWriter


class CSS:
    """A style sheet."""

    def __init__(self, **_: object) -> None:
        pass


class HTML:
    """A page."""

    def __init__(self, **_: object) -> None:
        pass

    def write_pdf(self, **_: object) -> bytes:
        """Return a blank page as PDF."""
        written = BytesIO()
        blank = PdfWriter()
        blank.add_blank_page(595, 842)
        blank.write(written)
        return written.getvalue()
