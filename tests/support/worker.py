"""``flask --app app worker`` in a process that was forked when all is imported.

Its papers are blank pages: nobody reads them, and typesetting took most of its time.
"""

from __future__ import annotations

import os

from flask.cli import cli

import app as app  # imported before the fork, once for all workers
from shop.documents import pdf
from tests.support import papers


def run(environment: dict[str, str]) -> None:
    """Do as ``flask worker`` does under these variables, and print nothing."""
    os.environ.clear()
    os.environ.update(environment)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    pdf.from_html = papers.blank
    cli.main(args=["--app", "app", "worker"])
