"""Sums by month that triggers keep: what was invoiced, and which services began and ended.

Each transaction adds to the rows of a ``shard`` that no other one holds (a lock that is tried and
never waited for), so that transactions neither wait for one another nor deadlock. On SQLite, which
has one writer, it is always 0.
"""

from __future__ import annotations

from peewee import BigIntegerField, CompositeKey, DateField, IntegerField

from records.base import Table


class RevenueSum(Table):
    """What the lines of invoices, less those of credit notes, amount to in a month.

    ``month`` is its first day, ``days`` the length of the periods of these lines. What was issued
    in it is ``turnover_cents``; ``recurring_cents`` is a whole month of the licences whose period
    includes its last day; ``deferred_cent_days``, divided by ``days``, is for the days after it.
    """

    month = DateField()
    days = IntegerField()
    shard = IntegerField(default=0)
    turnover_cents = BigIntegerField()
    recurring_cents = BigIntegerField()
    deferred_cent_days = BigIntegerField()

    class Meta:
        primary_key = CompositeKey("month", "days", "shard")


class ServiceSum(Table):
    """How many services began and ended in a month, whose first day is ``month``.

    ``ended_later`` of those that ended in it had begun in an earlier one.
    """

    month = DateField()
    shard = IntegerField(default=0)
    began = BigIntegerField()
    ended = BigIntegerField()
    ended_later = BigIntegerField()

    class Meta:
        primary_key = CompositeKey("month", "shard")
