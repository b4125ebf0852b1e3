"""What members of staff find a customer by: names, company, addresses and numbers, folded."""

from __future__ import annotations

from peewee import fn

from records.accounts import Account
from records.base import database
from records.batches import in_batches
from records.customer_search import AccountKey
from shop.text import prefix_keys
from shop.text.folding import fold


def keys_of(account: Account) -> set[bytes]:
    """Return the keys of an account: each word of its names, and its e-mail address and numbers."""
    local, _, domain = account.email.rpartition("@")
    return prefix_keys.keys_of(
        [
            *prefix_keys.endings(f"{account.first_name} {account.last_name}"),
            *prefix_keys.endings(f"{account.last_name} {account.first_name}"),
            *prefix_keys.endings(account.company),
            *(f"{ending}@{fold(domain)}" for ending in prefix_keys.endings(local)),
            fold(domain),
            fold(account.nic_handle),
            account.siren,
            fold(account.vat_number),
        ]
    )


def create_keys(account: Account) -> None:
    """Write the keys of a new account, in the transaction that creates it."""
    rows = [{"key": key, "account": account.id} for key in keys_of(account)]
    AccountKey.insert_many(rows).execute()


def write_keys(account: Account) -> None:
    """Write the keys of an account again, in the transaction that changes it."""
    AccountKey.delete().where(AccountKey.account == account).execute()
    create_keys(account)


def write_missing() -> int:
    """Write the keys of accounts that have none; return their number.

    The previous release, which goes on serving while the database is migrated, writes none.
    """
    keyless = ~fn.EXISTS(AccountKey.select().where(AccountKey.account == Account.id))
    written = 0
    for account in in_batches(Account.select().where(keyless), Account.id):
        with database.atomic():
            write_keys(account)
        written += 1
    return written
