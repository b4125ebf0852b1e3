"""What each day saw of a group's licences, counted from the seats' events recorded so far."""

from datetime import UTC
from zoneinfo import ZoneInfo

from peewee import (
    AutoField, BigAutoField, Check, DateField, DateTimeField, ForeignKeyField, IntegerField, Model,
)  # fmt: skip

PARIS = ZoneInfo("Europe/Paris")


class LicenceGroup(Model):
    id = AutoField()

    class Meta:
        legacy_table_names = False
        table_name = "licence_group"


class SeatEvent(Model):
    id = BigAutoField()
    group = ForeignKeyField(LicenceGroup, backref="+", index=False)
    at = DateTimeField()
    change = IntegerField()

    class Meta:
        legacy_table_names = False
        table_name = "seat_event"


class UsageDay(Model):
    id = BigAutoField()
    group = ForeignKeyField(LicenceGroup, backref="+", index=False)
    day = DateField()
    peak = IntegerField()
    closing = IntegerField()

    class Meta:
        legacy_table_names = False
        table_name = "usage_day"
        constraints = [Check("closing >= 0"), Check("peak >= closing")]
        indexes = ((("group", "day"), True),)


def up(migrator, db):
    """Create the table and count what is on record."""
    with db.bind_ctx([LicenceGroup, SeatEvent, UsageDay]):
        db.create_tables([UsageDay])
        for group in LicenceGroup.select().order_by(LicenceGroup.id):
            _count(group)


def _count(group):
    """Write the days of one group."""
    days, active = {}, 0
    events = SeatEvent.select().where(SeatEvent.group == group)
    for event in events.order_by(SeatEvent.at, SeatEvent.id).iterator():
        day = event.at.replace(tzinfo=UTC).astimezone(PARIS).date()
        before, active = active, active + event.change
        peak = days.get(day, (before, 0))[0]
        days[day] = (max(peak, active), active)
    for day, (peak, closing) in days.items():
        UsageDay.create(group=group, day=day, peak=peak, closing=closing)


def down(migrator, db):
    """Take it back; the events are still there."""
    with db.bind_ctx([LicenceGroup, UsageDay]):
        db.drop_tables([UsageDay])
