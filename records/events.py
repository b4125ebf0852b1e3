"""The audit log: one row for each transition of a state."""

from __future__ import annotations

from peewee import SQL, BigAutoField, CharField, IntegerField

from records.base import MomentField, Table


class Event(Table):
    """An entry of the audit log: what happened to which row, from and to which state, by whom.

    ``account_id`` is the number of the account that the row belongs to, null where it belongs to
    none: with it, a customer's time line costs the same whatever they own.
    """

    id = BigAutoField()
    subject = CharField(max_length=16)
    subject_id = IntegerField()
    name = CharField(max_length=48)
    from_status = CharField(max_length=20, default="")
    to_status = CharField(max_length=20, default="")
    by = CharField(max_length=32)
    note = CharField(max_length=255, default="")
    at = MomentField()
    account_id = IntegerField(null=True)

    class Meta:
        indexes = ((("subject", "subject_id", "id"), False),)


Event.add_index(
    Event.index(Event.account_id, Event.id, name="event_of_account").where(
        SQL("account_id IS NOT NULL")
    )
)
