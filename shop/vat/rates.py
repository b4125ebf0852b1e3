"""Standard VAT rates, in basis points, with the day each came into force.

Sources: the European Commission's Taxes in Europe Database (TEDB) for the member states; CGI
articles 278 and 296 for France and its overseas departments. A new rate is a new pair at the end
of a row, which may be added before its day.
"""

from __future__ import annotations

from datetime import date

from shop import clock

LONG_AGO = date(2024, 1, 1)
"""The first day of this table: the oldest rates were all in force on it."""

_RATES: dict[str, tuple[tuple[date, int], ...]] = {
    "FR": ((LONG_AGO, 2000),),
    "MC": ((LONG_AGO, 2000),),
    "GP": ((LONG_AGO, 850),),
    "MQ": ((LONG_AGO, 850),),
    "RE": ((LONG_AGO, 850),),
    "AT": ((LONG_AGO, 2000),),
    "BE": ((LONG_AGO, 2100),),
    "BG": ((LONG_AGO, 2000),),
    "CY": ((LONG_AGO, 1900),),
    "CZ": ((LONG_AGO, 2100),),
    "DE": ((LONG_AGO, 1900),),
    "DK": ((LONG_AGO, 2500),),
    "EE": ((LONG_AGO, 2200), (date(2025, 7, 1), 2400)),
    "ES": ((LONG_AGO, 2100),),
    "FI": ((LONG_AGO, 2400), (date(2024, 9, 1), 2550)),
    "GR": ((LONG_AGO, 2400),),
    "HR": ((LONG_AGO, 2500),),
    "HU": ((LONG_AGO, 2700),),
    "IE": ((LONG_AGO, 2300),),
    "IT": ((LONG_AGO, 2200),),
    "LT": ((LONG_AGO, 2100),),
    "LU": ((LONG_AGO, 1700),),
    "LV": ((LONG_AGO, 2100),),
    "MT": ((LONG_AGO, 1800),),
    "NL": ((LONG_AGO, 2100),),
    "PL": ((LONG_AGO, 2300),),
    "PT": ((LONG_AGO, 2300),),
    "PT-20": ((LONG_AGO, 1600),),
    "PT-30": ((LONG_AGO, 2200),),
    "RO": ((LONG_AGO, 1900), (date(2025, 8, 1), 2100)),
    "SE": ((LONG_AGO, 2500),),
    "SI": ((LONG_AGO, 2200),),
    "SK": ((LONG_AGO, 2000), (date(2025, 1, 1), 2300)),
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
