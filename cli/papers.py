"""Commands for papers: the characters that they could not show."""

from __future__ import annotations

import unicodedata

import click
from flask.cli import AppGroup

from shop.documents import glyphs

papers = AppGroup("papers", help="Show what could not be printed on PDFs.")


@papers.command("missing")
def missing() -> None:
    """List the characters without a glyph: code, name, and the paper that lacked it first."""
    rows = glyphs.reported()
    for row in rows:
        name = unicodedata.name(row.character, "without a name")
        found = row.found_at.strftime("%Y-%m-%d %H:%M")
        click.echo(f"U+{ord(row.character):04X}  {name}  {found} UTC  {row.paper}")
    if not rows:
        click.echo("Every character was printed.")


@papers.command("forget")
def forget() -> None:
    """Forget the characters listed, once their papers are dealt with; this ends the alarm."""
    click.echo(f"{glyphs.forget()} character(s) forgotten.")
