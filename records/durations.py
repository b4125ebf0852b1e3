"""Counts of durations, by which the metrics show histograms over all processes."""

from __future__ import annotations

from peewee import BigIntegerField, CharField, CompositeKey, FloatField

from records.base import Table


class DurationCount(Table):
    """How many requests or jobs took up to ``bound`` seconds and more than the bound before it.

    ``bound`` is written as the metrics write it, ``+Inf`` for the last; ``seconds`` is the sum of
    the durations counted here.
    """

    what = CharField(max_length=16)
    label = CharField(max_length=160)
    bound = CharField(max_length=8)
    count = BigIntegerField()
    seconds = FloatField()

    class Meta:
        primary_key = CompositeKey("what", "label", "bound")
