"""The audit log: one row for each transition of a state."""

from __future__ import annotations

from peewee import SQL, BigAutoField, CharField, IntegerField

from records.base import MomentField, Table


class Event(Table):
    """An entry of the audit log: what happened to which row, from and to which state, by whom.

    ``account_id`` is the number of the account that the row belongs to, null where it belongs to
    none: with it, a customer's time line costs the same whatever they own. ``group_id`` is the
    licence group whose history tells of the event (`records.group_history`); then ``number`` is
    which of its licences, or how many, and ``person`` and ``login`` whose licence it was. These two
    are deleted in time (`shop.personal_data.retention`).
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
    group_id = IntegerField(null=True)
    number = IntegerField(null=True)
    person = CharField(max_length=511, default="")
    login = CharField(max_length=20, default="")

    class Meta:
        indexes = ((("subject", "subject_id", "id"), False),)


Event.add_index(
    Event.index(Event.account_id, Event.id, name="event_of_account").where(
        SQL("account_id IS NOT NULL")
    )
)
Event.add_index(
    Event.index(Event.group_id, Event.id, name="event_of_group").where(SQL("group_id IS NOT NULL"))
)

NOT_OF_PEOPLE = "group_id IS NOT NULL AND subject NOT IN ('seat', 'import')"
"""The events of a group that are about the service, not about a licence's holder."""

Event.add_index(
    Event.index(Event.group_id, Event.id, name="event_of_service").where(SQL(NOT_OF_PEOPLE))
)
Event.add_index(Event.index(Event.at, name="event_naming_person").where(SQL("person <> ''")))
