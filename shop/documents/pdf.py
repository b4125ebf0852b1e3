"""PDF from HTML, with nothing fetched from anywhere but this repository and its fonts."""

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
ACCESSIBLE = "pdf/ua-1"
"""Tagged, titled, in a stated language: a document that screen readers can read."""

_FOLDERS = {
    "font": Path(str(files("font_source_sans_pro"))) / "files",
    "static": ROOT / "static",
}

turn: AbstractContextManager[object] = Lock()
"""One paper at a time in a process: two threads that typeset at once keep taking the interpreter
from each other, and both papers together come later (``python -m bench.papers``)."""


class ForbiddenUrl(FatalURLFetchingError):
    """A document asked for something from outside; it is not made without it either."""


class OurFiles(URLFetcher):
    """Serves ``font:name`` and ``static:path``, and refuses every other address."""

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> URLFetcherResponse:
        """The file of ``url``. Raises `ForbiddenUrl` for any other place."""
        parts = urlsplit(url)
        folder = _FOLDERS.get(parts.scheme)
        path = (folder / parts.path).resolve() if folder else None
        if folder is None or path is None or not path.is_relative_to(folder.resolve()):
            raise ForbiddenUrl(f"{url} is not one of our files")
        return URLFetcherResponse(url, path.read_bytes())


@cache
def _look() -> tuple[CSS, FontConfiguration]:
    """The style of all documents and its fonts, read once in a process."""
    fonts = FontConfiguration()
    style = CSS(string=STYLES.read_text(), font_config=fonts, url_fetcher=OurFiles())
    return style, fonts


def render(template: str, language: str, *, variant: str = ACCESSIBLE, **values: object) -> bytes:
    """A template of ``templates/documents/`` as PDF, in ``language``."""
    html = templates.render(f"documents/{template}", language, **values)
    return from_html(html, variant=variant)


def from_html(html: str, *, variant: str = ACCESSIBLE) -> bytes:
    """A page of HTML as PDF, in the style of all documents."""
    style, fonts = _look()
    document = HTML(string=html, url_fetcher=OurFiles())
    with turn:
        return bytes(
            document.write_pdf(
                stylesheets=[style], font_config=fonts, pdf_variant=variant, pdf_tags=True
            )
        )
