"""What happened: one row for each move of a state."""

from __future__ import annotations

from peewee import BigAutoField, CharField, IntegerField

from records.base import MomentField, Table


class Event(Table):
    """Something happened: what, to what, from which state to which, by whom, when."""

    id = BigAutoField()
    subject = CharField(max_length=16)
    subject_id = IntegerField()
    name = CharField(max_length=48)
    from_status = CharField(max_length=20, default="")
    to_status = CharField(max_length=20, default="")
    by = CharField(max_length=32)
    note = CharField(max_length=255, default="")
    at = MomentField()

    class Meta:
        indexes = ((("subject", "subject_id", "id"), False),)
