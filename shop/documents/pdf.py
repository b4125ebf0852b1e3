"""PDF from HTML, using local files only: this repository's and its fonts."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from importlib.resources import files
from pathlib import Path
from threading import Lock
from urllib.parse import urlsplit

from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

from shop.settings import ROOT
from shop.text import templates

STYLES = ROOT / "static" / "documents" / "paper.css"
ACCESSIBLE_PDF = "pdf/ua-1"
"""PDF/UA: tagged, with title and language, for screen readers."""

_FOLDERS = {
    "font": Path(str(files("font_source_sans_pro"))) / "files",
    "static": ROOT / "static",
}

rendering_lock: AbstractContextManager[object] = Lock()
"""Lets one thread at a time render: two threads rendering at once compete for the interpreter lock
and take longer for both documents (``python -m bench.documents``)."""


class ForbiddenUrl(FatalURLFetchingError):
    """A document refers to a URL that is not a local file; rendering it fails."""


class LocalFiles(URLFetcher):
    """Serves ``font:name`` and ``static:path``, and refuses every other URL."""

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> URLFetcherResponse:
        """Return the file of ``url``. Raise `ForbiddenUrl` for any other URL."""
        parts = urlsplit(url)
        folder = _FOLDERS.get(parts.scheme)
        path = (folder / parts.path).resolve() if folder else None
        if folder is None or path is None or not path.is_relative_to(folder.resolve()):
            raise ForbiddenUrl(f"{url} is not one of our files")
        return URLFetcherResponse(url, path.read_bytes())


@cache
def _style_and_fonts() -> tuple[CSS, FontConfiguration]:
    """Return the style and fonts of all documents, loaded once per process."""
    fonts = FontConfiguration()
    style = CSS(string=STYLES.read_text(), font_config=fonts, url_fetcher=LocalFiles())
    return style, fonts


def render(
    template: str, language: str, *, variant: str = ACCESSIBLE_PDF, **values: object
) -> bytes:
    """Render a template of ``templates/documents/`` as PDF, in ``language``."""
    html = templates.render(f"documents/{template}", language, **values)
    return from_html(html, variant=variant)


def from_html(html: str, *, variant: str = ACCESSIBLE_PDF) -> bytes:
    """Render an HTML page as PDF, in the style of all documents."""
    style, fonts = _style_and_fonts()
    document = HTML(string=html, url_fetcher=LocalFiles())
    with rendering_lock:
        return bytes(
            document.write_pdf(
                stylesheets=[style], font_config=fonts, pdf_variant=variant, pdf_tags=True
            )
        )
