"""The audit log: one row for each transition of a state."""

from __future__ import annotations

from peewee import BigAutoField, CharField, IntegerField

from records.base import MomentField, Table


class Event(Table):
    """An entry of the audit log: what happened to which row, from and to which state, by whom."""

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
