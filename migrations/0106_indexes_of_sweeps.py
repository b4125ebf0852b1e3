"""What is looked for every day, or by every page of alarms, found without reading whole tables."""

INDEXES = {
    "session_expires_at": '"session" ("expires_at")',
    "one_time_link_expires_at": '"one_time_link" ("expires_at")',
    "account_not_erased": '"account" ("created_at", "id") WHERE erased_at IS NULL',
    "account_with_vat_number": "\"account\" (\"id\") WHERE vat_status = 'confirmed'",
    "card_expiry_year_expiry_month": '"card" ("expiry_year", "expiry_month")',
    "invoice_not_blanked": '"invoice" ("issued_on", "id") WHERE blanked_at IS NULL',
    "refund_of_bank": "\"refund\" (\"id\") WHERE origin = 'bank' AND explanation = ''",
    "vat_check_misfit": '"vat_check" ("id") WHERE NOT is_fitting AND accepted_at IS NULL',
}


def up(migrator, db):
    """Create the indexes."""
    for name, of in INDEXES.items():
        db.execute_sql(f'CREATE INDEX "{name}" ON {of}')


def down(migrator, db):
    """Drop them."""
    for name in INDEXES:
        db.execute_sql(f'DROP INDEX "{name}"')
