"""The day of a transfer that somebody records, as typed."""

from __future__ import annotations

from datetime import date

from shop import clock
from shop.errors import N_, Refusal

YEARS = 10
"""How far back one may lie: as long as books are kept (code de commerce, L123-22)."""


def check_day(day: date) -> None:
    """Raise `Refusal` at ``day`` for a day on which none can have been, such as of the year 26."""
    today = clock.today()
    if day > today:
        raise Refusal(N_("This day lies ahead."), "day")
    if day.year < today.year - YEARS:
        raise Refusal(N_("This day lies more than ten years back."), "day")
