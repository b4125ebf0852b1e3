"""What tells one state of the catalogue from another, so that what was made of it can be kept.

Every process reads the version before it uses what it keeps, so a change shows in all of them with
the first request after it was committed.
"""

from __future__ import annotations

from records.base import MomentField, database
from shop import clock

MOMENT = MomentField()

STATE = (
    "SELECT token, (SELECT max(valid_from) FROM price WHERE valid_from <= ?), "
    "(SELECT max(starts_at) FROM notice WHERE starts_at <= ?), "
    "(SELECT max(ends_at) FROM notice WHERE ends_at <= ?) FROM catalogue_version"
)


def current() -> str:
    """Return the version of what is on sale and published now (one short statement).

    It differs after each change of an offer, a price, a contract or an announcement, whoever made
    it; when a price that was set beforehand begins to apply, or an announcement begins or ends; and
    each day, as contracts apply from a day on. Read it
    before the data that you keep under it: then what is kept is never older than its version.
    """
    now = clock.now()
    moment = MOMENT.db_value(now)
    state = database.execute_sql(
        STATE.replace("?", database.param), (moment, moment, moment)
    ).fetchone()
    return f"{' '.join(map(str, state))} {clock.day_of(now)}"
