"""``flask --app app worker`` whose papers are blank pages (``python -m tests.support.worker``)."""

from __future__ import annotations

from flask.cli import cli

from shop.documents import pdf
from tests.support import papers

if __name__ == "__main__":
    pdf.from_html = papers.blank
    cli.main(args=["--app", "app", "worker"])
