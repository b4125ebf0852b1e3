"""How many licences the running groups of a customer have: parts, which are added up in time."""

from __future__ import annotations

from peewee import PostgresqlDatabase

from records.base import database

ADD_UP = """
WITH parts AS (
    SELECT account_id, part FROM licence_count WHERE part <> 0 FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM licence_count c USING parts p
    WHERE c.account_id = p.account_id AND c.part = p.part
    RETURNING c.account_id, c.total, c.used, c.free, c.in_error
)
INSERT INTO licence_count (account_id, part, total, used, free, in_error)
SELECT account_id, 0, SUM(total), SUM(used), SUM(free), SUM(in_error)
FROM gone GROUP BY account_id ORDER BY account_id
ON CONFLICT (account_id, part) DO UPDATE SET
    total = licence_count.total + excluded.total, used = licence_count.used + excluded.used,
    free = licence_count.free + excluded.free,
    in_error = licence_count.in_error + excluded.in_error
"""
"""One statement, so that a sum read meanwhile is of all parts as before, or of all as after.

Parts that are being written stay for the next time, so that it waits for nobody.
"""


def add_up() -> int:
    """Put the parts of each customer into one; return how many customers that concerned.

    On SQLite there is but one.
    """
    if not isinstance(database.obj, PostgresqlDatabase):
        return 0
    return int(database.execute_sql(ADD_UP).rowcount)
