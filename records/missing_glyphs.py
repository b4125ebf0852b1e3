"""Characters that papers could not show."""

from __future__ import annotations

from peewee import AutoField, CharField

from records.base import MomentField, Table


class MissingGlyph(Table):
    """A character without a glyph in any font, and the paper on which it was missed first."""

    id = AutoField()
    character = CharField(max_length=1, unique=True)
    paper = CharField(max_length=255)
    found_at = MomentField()
