"""How many licences the shop's directory at Microsoft has left."""

from __future__ import annotations

from peewee import CharField, IntegerField

from records.base import MomentField, Table


class LicenceStock(Table):
    """The licences of a product that no one has yet, as the provider last said.

    The number is negative where more are assigned than were bought.
    """

    product = CharField(max_length=64, primary_key=True)
    left = IntegerField(column_name="licences_left")
    seen_at = MomentField()
