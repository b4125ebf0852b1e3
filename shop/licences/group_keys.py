"""What a customer finds a licence group by: each word of its name, and its domain, folded."""

from __future__ import annotations

from peewee import fn

from records.base import database
from records.batches import in_batches
from records.groups import GroupKey, LicenceGroup
from shop.text import prefix_keys
from shop.text.folding import fold


def keys_of(group: LicenceGroup) -> set[bytes]:
    """Return the keys of a group: of its display name, its technical name and its domain."""
    return prefix_keys.keys_of(
        [
            *prefix_keys.endings(group.display_name),
            *prefix_keys.endings(group.name),
            fold(group.domain),
        ]
    )


def create(group: LicenceGroup) -> None:
    """Write the keys of a new group, in the caller's transaction."""
    GroupKey.add_missing([
        {"account": group.account_id, "key": key, "group": group.id} for key in keys_of(group)
    ])  # fmt: skip


def replace(group: LicenceGroup) -> None:
    """Write the keys of a group again, in the transaction that renames it."""
    GroupKey.delete().where(GroupKey.group == group).execute()
    create(group)


def write_missing() -> int:
    """Write the keys of groups that have none; return their number.

    The previous release, which goes on serving while the database is migrated, writes none.
    """
    keyless = ~fn.EXISTS(GroupKey.select().where(GroupKey.group == LicenceGroup.id))
    written = 0
    for group in in_batches(LicenceGroup.select().where(keyless), LicenceGroup.id):
        with database.atomic():
            replace(group)
        written += 1
    return written
