"""Seats that are looked after: their work, keys, events and imports; additions to a group."""

from peewee import (
    BigAutoField, BlobField, BooleanField, CharField, Check, CompositeKey, DateField,
    DateTimeField, ForeignKeyField, IntegerField, Model, PostgresqlDatabase, TextField,
)  # fmt: skip


def table(name):
    """A table that is there already, as far as others refer to it."""
    meta = type("Meta", (), {"legacy_table_names": False, "table_name": name})
    return type(Model)(name.title().replace("_", ""), (Model,), {"Meta": meta})


OrderLine, LicenceGroup, Seat = table("order_line"), table("licence_group"), table("seat")


class Addition(Model):
    line = ForeignKeyField(OrderLine, unique=True, backref="+")
    group = ForeignKeyField(LicenceGroup, backref="+")
    status = CharField(max_length=16)
    renewal_on = DateField()
    target = IntegerField(null=True)
    first_number = IntegerField(null=True)
    tries = IntegerField()
    error = CharField(max_length=255)
    created_at = DateTimeField()
    installed_at = DateTimeField(null=True)

    class Meta:
        legacy_table_names = False
        table_name = "addition"
        constraints = [
            Check("status IN ('held', 'installing', 'installed', 'failed', 'freed')"),
            Check("tries > 0"),
        ]
        indexes = ((("group", "status"), False),)


class SeatKey(Model):
    group = ForeignKeyField(LicenceGroup, backref="+", index=False)
    seat = ForeignKeyField(Seat, backref="+", on_delete="CASCADE")
    status = CharField(max_length=16)
    key = BlobField()

    class Meta:
        legacy_table_names = False
        table_name = "seat_key"
        primary_key = CompositeKey("group", "key", "seat")
        indexes = ((("group", "status", "key", "seat"), False),)


class SeatEvent(Model):
    id = BigAutoField()
    group = ForeignKeyField(LicenceGroup, backref="+", index=False)
    seat = ForeignKeyField(Seat, backref="+", null=True, on_delete="SET NULL")
    at = DateTimeField()
    change = IntegerField()

    class Meta:
        legacy_table_names = False
        table_name = "seat_event"
        constraints = [Check("change IN (-1, 1)")]
        indexes = ((("group", "at", "id"), False),)


class SeatImport(Model):
    group = ForeignKeyField(LicenceGroup, backref="+")
    filename = CharField(max_length=255)
    status = CharField(max_length=16)
    lines_total = IntegerField()
    lines_good = IntegerField()
    lines_done = IntegerField()
    lines_refused = IntegerField()
    created_at = DateTimeField()
    finished_at = DateTimeField(null=True)

    class Meta:
        legacy_table_names = False
        table_name = "seat_import"
        constraints = [
            Check("status IN ('preview', 'running', 'done', 'abandoned')"),
            Check("lines_good BETWEEN 0 AND lines_total"),
            Check("lines_done BETWEEN 0 AND lines_good"),
            Check("lines_refused BETWEEN 0 AND lines_done"),
        ]


class SeatImportLine(Model):
    seat_import = ForeignKeyField(SeatImport, backref="+", on_delete="CASCADE", index=False)
    number = IntegerField()
    first_name = CharField(max_length=255)
    last_name = CharField(max_length=255)
    login = CharField(max_length=255)
    problem = CharField(max_length=255)
    details = TextField()
    is_done = BooleanField()
    seat = ForeignKeyField(Seat, backref="+", null=True, on_delete="SET NULL")
    version = IntegerField(null=True)

    class Meta:
        legacy_table_names = False
        table_name = "seat_import_line"
        primary_key = CompositeKey("seat_import", "number")


NEW = [Addition, SeatKey, SeatEvent, SeatImport, SeatImportLine]

WHOLE_MONTHS = "net_cents = quantity * CAST(unit_price_cents AS BIGINT)"
WHOLE_OR_PRO_RATA = (
    "net_cents = CASE WHEN days IS NULL THEN quantity * CAST(unit_price_cents AS BIGINT) "
    "ELSE (2 * quantity * CAST(unit_price_cents AS BIGINT) * days + period_days) "
    "/ (2 * period_days) END"
)

STATUSES = ("unconfigured", "activating", "active", "updating", "releasing", "error")

COLUMNS = {
    "order_line": [
        ("days", "INTEGER", ""),
        ("period_days", "INTEGER", "CHECK ((days IS NULL) = (period_days IS NULL)) "
                                   "CHECK (days IS NULL OR (days BETWEEN 1 AND period_days))"),
    ],
    "licence_group": [
        ("last_number", "INTEGER", "NOT NULL DEFAULT 0"),
        *((f"seats_{status}", "INTEGER", "NOT NULL DEFAULT 0") for status in STATUSES[:2]),
        ("seats_active", "INTEGER", "NOT NULL DEFAULT 0 CHECK (seats_unconfigured >= 0 "
                                    "AND seats_activating >= 0 AND seats_active >= 0)"),
        *((f"seats_{status}", "INTEGER", "NOT NULL DEFAULT 0") for status in STATUSES[3:5]),
        ("seats_error", "INTEGER", "NOT NULL DEFAULT 0 "
            "CHECK (seats_updating >= 0 AND seats_releasing >= 0 AND seats_error >= 0) "
            "CHECK (status IN ('terminated', 'cancelled') OR seats_unconfigured + "
            "seats_activating + seats_active + seats_updating + seats_releasing + seats_error "
            "<= places_taken)"),
    ],
    "seat": [
        ("act", "VARCHAR(16)", "NOT NULL DEFAULT '' "
            "CHECK (act IN ('', 'activate', 'edit', 'password', 'release')) "
            "CHECK ((act = '') = (status IN ('unconfigured', 'active')))"),
        ("reference", "VARCHAR(128)", "NOT NULL DEFAULT ''"),
        ("creation_key", "VARCHAR(64)", "NOT NULL DEFAULT ''"),
        ("secret", "TEXT", "NOT NULL DEFAULT '' "
            "CHECK (status <> 'active' OR (reference <> '' AND secret = '')) "
            "CHECK (status <> 'unconfigured' OR (reference = '' AND secret = ''))"),
        ("error", "VARCHAR(255)", "NOT NULL DEFAULT ''"),
        ("error_code", "VARCHAR(32)", "NOT NULL DEFAULT ''"),
        *((f"by_{name}", "BLOB", "NOT NULL DEFAULT {nameless}")
          for name in ("first", "last", "login")),
    ],
}  # fmt: skip

SORTED_BY = ("by_first", "by_last", "by_login")

INDEXES = [
    *((f"seat_group_id_{name}_number", f"group_id, {name}, number") for name in SORTED_BY),
    ("seat_group_id_status_number", "group_id, status, number"),
    *((f"seat_group_id_status_{name}_number", f"group_id, status, {name}, number")
      for name in SORTED_BY),
]  # fmt: skip

REDUNDANT = ("seat_group_id", "seat_group_id_status")


def is_postgresql(db):
    return isinstance(db, PostgresqlDatabase)


def typed(db, kind, rule):
    """A column's type and rule in the database's own words."""
    nameless = "'\\xff'::bytea" if is_postgresql(db) else "x'ff'"
    kind = "BYTEA" if kind == "BLOB" and is_postgresql(db) else kind
    return f"{kind} {rule.replace('{nameless}', nameless)}"


def replace_check(db, name, old, new):
    """Exchange a CHECK of a table that keeps its rows."""
    if is_postgresql(db):
        rows = db.execute_sql(
            "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass "
            "AND contype = 'c' AND pg_get_constraintdef(oid) LIKE %s",
            (name, "%net_cents%"),
        )
        for (constraint,) in rows.fetchall():
            db.execute_sql(f'ALTER TABLE "{name}" DROP CONSTRAINT "{constraint}"')
        db.execute_sql(f'ALTER TABLE "{name}" ADD CHECK ({new})')
        return
    # SQLite's documented way to change a CHECK: nothing on disk but the words of the table changes.
    (version,) = db.execute_sql("PRAGMA schema_version").fetchone()
    db.execute_sql("PRAGMA writable_schema = ON")
    db.execute_sql(
        "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = ?",
        (old, new, name),
    )
    db.execute_sql(f"PRAGMA schema_version = {version + 1}")
    db.execute_sql("PRAGMA writable_schema = OFF")


def count_seats(db):
    """Let groups know how many seats they have, by status."""
    counted = [
        f"seats_{status} = (SELECT count(*) FROM seat "
        f"WHERE seat.group_id = licence_group.id AND seat.status = '{status}')"
        for status in STATUSES
    ]
    last = (
        "last_number = (SELECT coalesce(max(number), 0) FROM seat "
        "WHERE seat.group_id = licence_group.id)"
    )
    db.execute_sql(f"UPDATE licence_group SET {', '.join([last, *counted])}")
    db.execute_sql(
        "INSERT INTO seat_key (group_id, seat_id, status, key) "
        f"SELECT group_id, id, status, {literal(db, 'configureme@')} FROM seat"
    )


def literal(db, text):
    digits = text.encode().hex()
    return f"'\\x{digits}'::bytea" if is_postgresql(db) else f"x'{digits}'"


def up(migrator, db):
    """Add the columns with their rules, then the new tables."""
    for name, columns in COLUMNS.items():
        for column, kind, rule in columns:
            db.execute_sql(f'ALTER TABLE "{name}" ADD COLUMN "{column}" {typed(db, kind, rule)}')
    replace_check(db, "order_line", WHOLE_MONTHS, WHOLE_OR_PRO_RATA)
    for index in REDUNDANT:
        db.execute_sql(f'DROP INDEX "{index}"')
    for index, columns in INDEXES:
        db.execute_sql(f'CREATE INDEX "{index}" ON "seat" ({columns})')
    with db.bind_ctx(NEW):
        db.create_tables(NEW)
    count_seats(db)
