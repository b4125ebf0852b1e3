"""``flask --app app worker`` whose PDFs are blank pages: typesetting takes most of its time.

Browser tests download PDFs without reading them; only the shop of `e2e.test_unpaid` typesets.
"""

from __future__ import annotations

from flask.cli import cli

from shop.documents import pdf
from tests.support import blank_pdf

if __name__ == "__main__":
    pdf.from_html = blank_pdf.blank
    cli.main(args=["--app", "app", "worker"])
