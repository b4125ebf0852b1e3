"""Subscriptions of licence groups: renewals, reminders, terminations, announced prices."""

from peewee import (
    SQL, AutoField, CharField, Check, DateField, DateTimeField, ForeignKeyField, IntegerField, Model,
)  # fmt: skip


def table(name):
    """A table that is there already, as far as others refer to it."""
    meta = type("Meta", (), {"legacy_table_names": False, "table_name": name})
    return type(Model)(name.title().replace("_", ""), (Model,), {"Meta": meta})


Account, Card, Invoice, Price = table("account"), table("card"), table("invoice"), table("price")
LicenceGroup, OneTimeLink, Seat = table("licence_group"), table("one_time_link"), table("seat")
Payment = table("payment")


class Subscription(Model):
    id = AutoField()
    group = ForeignKeyField(LicenceGroup, unique=True, backref="+")
    account = ForeignKeyField(Account, backref="+")
    status = CharField(max_length=16)
    anchor = IntegerField()
    started_at = DateTimeField()
    period_start = DateField()
    period_end = DateField()
    renews_on = DateField(null=True)
    free_until = DateField(null=True)
    price = ForeignKeyField(Price, backref="+")
    card = ForeignKeyField(Card, null=True, backref="+")
    suspensions = IntegerField()
    suspended_at = DateTimeField(null=True)
    ended_at = DateTimeField(null=True)

    class Meta:
        legacy_table_names = False
        table_name = "subscription"
        constraints = [
            Check("status IN ('active', 'past_due', 'suspended', 'terminated')"),
            Check("anchor BETWEEN 1 AND 31"),
            Check("period_end > period_start"),
            Check("(renews_on IS NULL) = (status IN ('suspended', 'terminated'))"),
            Check("renews_on IS NULL OR renews_on = period_end"),
            Check("(suspended_at IS NULL) OR (status IN ('suspended', 'terminated'))"),
            Check("(ended_at IS NULL) = (status <> 'terminated')"),
        ]
        indexes = ((("renews_on", "id"), False),)


class Renewal(Model):
    id = AutoField()
    group = ForeignKeyField(LicenceGroup, backref="+", index=False)
    period_start = DateField()
    period_end = DateField()
    quantity = IntegerField()
    price = ForeignKeyField(Price, backref="+")
    days = IntegerField(null=True)
    period_days = IntegerField(null=True)
    invoice = ForeignKeyField(Invoice, null=True, unique=True, backref="+")
    supplement = ForeignKeyField(Invoice, null=True, unique=True, backref="+")
    made_at = DateTimeField()
    opened_at = DateTimeField(null=True)

    class Meta:
        legacy_table_names = False
        table_name = "renewal"
        constraints = [
            Check("period_end > period_start"),
            Check("quantity > 0"),
            Check("(days IS NULL) = (period_days IS NULL)"),
            Check("days IS NULL OR (days BETWEEN 1 AND period_days)"),
        ]
        indexes = ((("group", "period_start"), True),)


class Reminder(Model):
    id = AutoField()
    invoice = ForeignKeyField(Invoice, backref="+", index=False)
    stage = IntegerField()
    payment = ForeignKeyField(Payment, null=True, backref="+")
    reason = CharField(max_length=64)
    at = DateTimeField()
    failed_at = DateTimeField(null=True)

    class Meta:
        legacy_table_names = False
        table_name = "reminder"
        constraints = [Check("stage BETWEEN 0 AND 4")]
        indexes = ((("invoice", "stage"), True),)


class Termination(Model):
    id = AutoField()
    group = ForeignKeyField(LicenceGroup, backref="+")
    status = CharField(max_length=16)
    cause = CharField(max_length=16)
    ends_on = DateField(null=True)
    link = ForeignKeyField(OneTimeLink, null=True, unique=True, backref="+", on_delete="SET NULL")
    asked_at = DateTimeField()
    closed_at = DateTimeField(null=True)

    class Meta:
        legacy_table_names = False
        table_name = "termination"
        constraints = [
            Check("status IN ('asked', 'scheduled', 'undone', 'done')"),
            Check("cause IN ('customer', 'unpaid', 'withdrawal', 'operator')"),
            Check("status NOT IN ('scheduled', 'done') OR ends_on IS NOT NULL"),
            Check("(closed_at IS NULL) = (status IN ('asked', 'scheduled'))"),
        ]


Termination.add_index(
    Termination.index(Termination.group, unique=True, name="termination_one_alive").where(
        SQL("status IN ('asked', 'scheduled')")
    )
)


class GiveBack(Model):
    id = AutoField()
    group = ForeignKeyField(LicenceGroup, backref="+", index=False)
    seat = ForeignKeyField(Seat, null=True, backref="+", on_delete="SET NULL")
    number = IntegerField()
    status = CharField(max_length=16)
    ends_on = DateField()
    asked_at = DateTimeField()
    closed_at = DateTimeField(null=True)

    class Meta:
        legacy_table_names = False
        table_name = "give_back"
        constraints = [
            Check("status IN ('scheduled', 'undone', 'ending', 'done')"),
            Check("(closed_at IS NULL) = (status IN ('scheduled', 'ending'))"),
        ]
        indexes = ((("group", "status", "ends_on"), False),)


GiveBack.add_index(
    GiveBack.index(GiveBack.seat, unique=True, name="give_back_one_alive").where(
        SQL("status IN ('scheduled', 'ending')")
    )
)


class PriceAnnouncement(Model):
    id = AutoField()
    subscription = ForeignKeyField(Subscription, backref="+", index=False)
    price = ForeignKeyField(Price, backref="+")
    applies_on = DateField()
    announced_at = DateTimeField()

    class Meta:
        legacy_table_names = False
        table_name = "price_announcement"
        indexes = ((("subscription", "price"), True),)


TABLES = [Subscription, Renewal, Reminder, Termination, GiveBack, PriceAnnouncement]


def up(migrator, db):
    """Create the tables."""
    with db.bind_ctx(TABLES):
        db.create_tables(TABLES)


def down(migrator, db):
    """Take them back."""
    with db.bind_ctx(TABLES):
        db.drop_tables(TABLES)
