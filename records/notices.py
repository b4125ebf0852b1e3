"""Announcements of the shop to its visitors and customers."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from peewee import AutoField, BooleanField, CharField, Check

from records.base import MomentField, Table, one_of
from records.languages import Language


class NoticeKind(StrEnum):
    """How an announcement looks."""

    INFO = "info"
    WARNING = "warning"


class Notice(Table):
    """An announcement, shown above every page between two moments, and e-mailed where asked.

    ``taken_back_at`` is when it was taken back: it is shown no more.
    """

    id = AutoField()
    kind = CharField(max_length=16, default=NoticeKind.INFO)
    text_fr = CharField(max_length=500)
    text_en = CharField(max_length=500)
    starts_at = MomentField(index=True)
    ends_at = MomentField(index=True)
    by_email = BooleanField(default=False)
    created_at = MomentField()
    created_by = CharField(max_length=32)
    taken_back_at = MomentField(null=True)

    class Meta:
        constraints = [
            one_of("kind", NoticeKind),
            Check("text_fr <> '' AND text_en <> ''"),
            Check("starts_at < ends_at"),
        ]

    def text_in(self, language: str) -> str:
        """Return the text in a language of the shop."""
        return self.text_en if language == Language.ENGLISH else self.text_fr

    def is_shown_at(self, moment: datetime) -> bool:
        """Whether it is shown at a moment."""
        return self.taken_back_at is None and self.starts_at <= moment < self.ends_at

    @property
    def is_taken_back(self) -> bool:
        """Whether it was taken back."""
        return self.taken_back_at is not None
