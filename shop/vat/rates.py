"""Standard VAT rates, in basis points, with the day each came into force.

Sources: the European Commission's Taxes in Europe Database (TEDB) for the member states; CGI
articles 278 and 296 for France and its overseas departments. A new rate is a new pair at the end
of a row, which may be added before its day.
"""

from __future__ import annotations

from datetime import date

from shop import clock

TABLE_START = date(2024, 1, 1)
"""The first day of this table: the oldest rates were all in force on it."""

_RATES: dict[str, tuple[tuple[date, int], ...]] = {
    "FR": ((TABLE_START, 2000),),
    "MC": ((TABLE_START, 2000),),
    "GP": ((TABLE_START, 850),),
    "MQ": ((TABLE_START, 850),),
    "RE": ((TABLE_START, 850),),
    "AT": ((TABLE_START, 2000),),
    "BE": ((TABLE_START, 2100),),
    "BG": ((TABLE_START, 2000),),
    "CY": ((TABLE_START, 1900),),
    "CZ": ((TABLE_START, 2100),),
    "DE": ((TABLE_START, 1900),),
    "DK": ((TABLE_START, 2500),),
    "EE": ((TABLE_START, 2200), (date(2025, 7, 1), 2400)),
    "ES": ((TABLE_START, 2100),),
    "FI": ((TABLE_START, 2400), (date(2024, 9, 1), 2550)),
    "GR": ((TABLE_START, 2400),),
    "HR": ((TABLE_START, 2500),),
    "HU": ((TABLE_START, 2700),),
    "IE": ((TABLE_START, 2300),),
    "IT": ((TABLE_START, 2200),),
    "LT": ((TABLE_START, 2100),),
    "LU": ((TABLE_START, 1700),),
    "LV": ((TABLE_START, 2100),),
    "MT": ((TABLE_START, 1800),),
    "NL": ((TABLE_START, 2100),),
    "PL": ((TABLE_START, 2300),),
    "PT": ((TABLE_START, 2300),),
    "PT-20": ((TABLE_START, 1600),),
    "PT-30": ((TABLE_START, 2200),),
    "RO": ((TABLE_START, 1900), (date(2025, 8, 1), 2100)),
    "SE": ((TABLE_START, 2500),),
    "SI": ((TABLE_START, 2200),),
    "SK": ((TABLE_START, 2000), (date(2025, 1, 1), 2300)),
}


def standard_rate(territory: str, on: date | None = None) -> int:
    """Return the standard rate of a territory on a day (today by default), in basis points.

    Raise `KeyError` for a territory that has no rate in the table, and for a day before the table.
    """
    day = on or clock.today()
    in_force = [rate for since, rate in _RATES[territory] if since <= day]
    if not in_force:
        raise KeyError(f"no rate of {territory} is known for {day}")
    return in_force[-1]
