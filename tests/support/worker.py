"""``flask --app app worker`` in a process forked after all imports.

Its PDFs are blank pages: no test reads them, and typesetting took most of its time.
"""

from __future__ import annotations

import os

from flask.cli import cli

import app as app  # imported before the fork, once for all workers
from shop.documents import pdf
from tests.support import blank_pdf


def run(environment: dict[str, str]) -> None:
    """Run ``flask worker`` with these environment variables, without output."""
    os.environ.clear()
    os.environ.update(environment)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    pdf.from_html = blank_pdf.blank
    cli.main(args=["--app", "app", "worker"])
