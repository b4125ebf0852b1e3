"""Search keys and sort columns of seats: names and logins, folded to lower case without accents.

A seat has a key for each word of its first name, last name and login that a search may begin with.
A search is then one range of keys, whatever the size of the group.
"""

from __future__ import annotations

from peewee import ModelInsert, Value

from records.groups import LicenceGroup
from records.seat_states import NAMELESS, UNCONFIGURED_NAME, SeatStatus
from records.seats import Seat, SeatKey
from shop.sql.prepared import prepared_update
from shop.text import prefix_keys
from shop.text.folding import fold
from shop.text.prefix_keys import as_bytes


def fold_names(group: LicenceGroup) -> str:
    """Return the text that a group is searched by: its display name and its technical name."""
    return fold(f"{group.display_name} {group.name}")


def sort_columns(first_name: str, last_name: str, login: str) -> dict[str, bytes]:
    """Return the columns by which a seat with this holder is sorted."""
    return {
        "by_first": as_bytes(fold(f"{first_name} {last_name}")),
        "by_last": as_bytes(fold(f"{last_name} {first_name}")),
        "by_login": as_bytes(login.lower()),
    }


UNCONFIGURED_SORT_COLUMNS = {"by_first": NAMELESS, "by_last": NAMELESS, "by_login": NAMELESS}
"""The columns by which an unconfigured seat is sorted."""


def keys_of(first_name: str, last_name: str, login: str) -> set[bytes]:
    """Return the keys of a seat's holder, without those that are a prefix of another."""
    phrases = (f"{first_name} {last_name}", f"{last_name} {first_name}", f"{login}@")
    return prefix_keys.keys_of(
        ending for phrase in phrases for ending in prefix_keys.endings(phrase)
    )


UNCONFIGURED_KEY = as_bytes(f"{UNCONFIGURED_NAME}@")


def key_range(wanted: str, group: LicenceGroup) -> tuple[bytes, bytes]:
    """Return the range of keys that a search covers; an empty one if nothing in ``group`` can
    match."""
    folded = fold(wanted)
    local, at, domain = folded.partition("@")
    if at and not fold(group.domain).startswith(domain):
        return b"", b""
    return prefix_keys.range_of(local + at)


# --- Storing keys ----------------------------------------------------------------------------


def replace_keys(seat: Seat, found_by: set[bytes], status: str) -> None:
    """Replace the keys of ``seat``, in the caller's transaction."""
    SeatKey.delete().where(SeatKey.seat == seat).execute()
    rows = [
        {"group": seat.group_id, "seat": seat.id, "status": status, "key": key} for key in found_by
    ]
    SeatKey.insert_many(rows).execute()


def copy_status(seat: Seat) -> None:
    """Copy the seat's status to its keys."""
    SeatKey.update(status=seat.status).where(SeatKey.seat == seat).execute()


def create_keys(group: LicenceGroup, first: int, last: int) -> None:
    """Create the keys of new, unconfigured seats of these numbers."""
    _created.changed(group, first, last)


@prepared_update
def _created(group: LicenceGroup, first: int, last: int) -> ModelInsert:
    made = Seat.select(
        Seat.group, Seat.id, Seat.status, Value(UNCONFIGURED_KEY, unpack=False)
    ).where(
        Seat.group == group,
        Seat.number >= first,
        Seat.number <= last,
        Seat.status == SeatStatus.UNCONFIGURED,
    )
    return SeatKey.insert_from(
        made, [SeatKey.group, SeatKey.seat, SeatKey.status, SeatKey.key]
    ).on_conflict_ignore()
