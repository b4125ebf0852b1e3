"""To whose group's history an event belongs, and of which licence and person it tells."""

TOLD = (
    "seat_activating", "seat_updating", "seat_releasing", "seat_error",
    "import_running", "import_done",
    "addition_installed", "addition_failed", "addition_freed",
    "give_back_scheduled", "give_back_undone", "give_back_done", "give_back_withdrawn",
    "group_installed", "group_install_failed", "group_suspended", "group_renamed",
    "group_terminated", "group_cancelled",
    "termination_scheduled", "termination_undone", "termination_by_operator",
    "termination_withdrawal",
)  # fmt: skip

OF_GROUPS = {
    "seat": ("seat", "t.number"), "give_back": ("give_back", "t.number"),
    "import": ("seat_import", "t.lines_good"), "termination": ("termination", "CAST(NULL AS INTEGER)"),
    "addition": (
        "addition", "(SELECT l.quantity FROM order_line l WHERE l.id = t.line_id)"
    ),
}  # fmt: skip
"""The tables of the subjects of these events, and the number that they tell."""

COLUMNS = (
    ("group_id", "INTEGER"),
    ("number", "INTEGER"),
    ("person", "VARCHAR(511) NOT NULL DEFAULT ''"),
    ("login", "VARCHAR(20) NOT NULL DEFAULT ''"),
)

INDEXES = (
    ("event_of_group", '"group_id", "id"', "group_id IS NOT NULL"),
    (
        "event_of_service", '"group_id", "id"',
        "group_id IS NOT NULL AND subject NOT IN ('seat', 'import')",
    ),
    ("event_naming_person", '"at"', "person <> ''"),
)  # fmt: skip


def up(migrator, db):
    """Add the columns; of events so far the licence is known, and not who had it then."""
    for name, kind in COLUMNS:
        db.execute_sql(f"ALTER TABLE event ADD COLUMN {name} {kind}")
    fill(db)
    for name, columns, which in INDEXES:
        db.execute_sql(f'CREATE INDEX "{name}" ON "event" ({columns}) WHERE {which}')


def fill(db):
    """Say of the events so far to whose history they belong."""
    told = ", ".join(f"'{name}'" for name in TOLD)
    db.execute_sql(
        f"UPDATE event SET group_id = subject_id WHERE subject = 'group' AND name IN ({told})"
    )
    for subject, (table, number) in OF_GROUPS.items():
        found = f"FROM {table} t WHERE t.id = event.subject_id"
        db.execute_sql(
            f"UPDATE event SET group_id = (SELECT t.group_id {found}), "
            f"number = (SELECT {number} {found}) "
            f"WHERE subject = '{subject}' AND name IN ({told})"
        )


def down(migrator, db):
    """Take them back."""
    for name, _, _ in INDEXES:
        db.execute_sql(f'DROP INDEX "{name}"')
    for name, _ in COLUMNS:
        db.execute_sql(f"ALTER TABLE event DROP COLUMN {name}")
