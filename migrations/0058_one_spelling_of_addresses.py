"""Customers' e-mail addresses in the one way in which they are compared from now on."""

import unicodedata

from email_validator import EmailNotValidError, validate_email
from peewee import CharField, IntegerField, Model

BATCH = 500


class Account(Model):
    id = IntegerField(primary_key=True)
    email = CharField(max_length=254)

    class Meta:
        legacy_table_names = False


def normalized(typed):
    """As `shop.text.email_addresses.normalized` did it when this was written."""
    address = unicodedata.normalize("NFC", typed.strip().lower())
    try:
        return validate_email(address, check_deliverability=False).normalized
    except EmailNotValidError:
        return address


def up(migrator, db):
    """Write the addresses anew that were kept otherwise."""
    last = -1
    with db.bind_ctx([Account]):
        query = Account.select(Account.id, Account.email).order_by(Account.id).limit(BATCH)
        while rows := list(query.where(Account.id > last).tuples()):
            for account_id, email in rows:
                if normalized(email) != email:
                    same = Account.update(email=normalized(email)).where(Account.id == account_id)
                    same.execute()
            last = rows[-1][0]


def down(migrator, db):
    """They are the same addresses: nothing to take back."""
