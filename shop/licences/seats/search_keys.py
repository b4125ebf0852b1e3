"""What seats are found by and sorted by: names and addresses, folded to plain small letters.

A seat has a key for each place a customer may begin to remember it from: its first name, its last
name, its login, and every word in them. A search is then one range of keys, whatever the size of
the group.
"""

from __future__ import annotations

from peewee import Value

from records.groups import LicenceGroup
from records.seat_states import NAMELESS, UNCONFIGURED_NAME, SeatStatus
from records.seats import Seat, SeatKey
from shop.text.folding import fold

LONGEST = 64
"""Bytes of a key; what lies behind them is not told apart."""

MOST_WORDS = 6

NEXT = b"\xff"
"""Greater than any byte of UTF-8: the end of a range of keys."""


def fold_names(group: LicenceGroup) -> str:
    """What a group is found by: its display name and its technical one."""
    return fold(f"{group.display_name} {group.name}")


def as_bytes(folded: str) -> bytes:
    """A folded text as keys are kept."""
    return folded.encode()[:LONGEST]


def sorted_by(first_name: str, last_name: str, login: str) -> dict[str, bytes]:
    """What a seat with these is sorted by, as columns of `Seat`."""
    return {
        "by_first": as_bytes(fold(f"{first_name} {last_name}")),
        "by_last": as_bytes(fold(f"{last_name} {first_name}")),
        "by_login": as_bytes(login.lower()),
    }


NOT_SORTED = {"by_first": NAMELESS, "by_last": NAMELESS, "by_login": NAMELESS}
"""The same for a seat that is nobody's."""


def keys_of(first_name: str, last_name: str, login: str) -> set[bytes]:
    """Every key of a seat; one that only begins another is left out."""
    phrases = (f"{first_name} {last_name}", f"{last_name} {first_name}", f"{login}@")
    found = {as_bytes(ending) for phrase in phrases for ending in _endings(fold(phrase))}
    return {
        key for key in found if not any(other != key and other.startswith(key) for other in found)
    }


def _endings(folded: str) -> list[str]:
    words = folded.split(" ")
    return [" ".join(words[start:]) for start in range(min(len(words), MOST_WORDS))]


NOBODY = as_bytes(f"{UNCONFIGURED_NAME}@")


def range_of(wanted: str, group: LicenceGroup) -> tuple[bytes, bytes] | None:
    """The range of keys a search asks for; None if it can find nothing in ``group``."""
    folded = fold(wanted)
    local, at, domain = folded.partition("@")
    if at and not fold(group.domain).startswith(domain):
        return None
    low = as_bytes(local + at)
    return low, low + NEXT


# --- Keeping them ----------------------------------------------------------------------------


def replace(seat: Seat, found_by: set[bytes], status: str) -> None:
    """Let ``seat`` be found by these keys from now on, in the caller's transaction."""
    SeatKey.delete().where(SeatKey.seat == seat).execute()
    rows = [
        {"group": seat.group_id, "seat": seat.id, "status": status, "key": key} for key in found_by
    ]
    SeatKey.insert_many(rows).execute()


def follow(seat: Seat) -> None:
    """Repeat the seat's status in its keys."""
    SeatKey.update(status=seat.status).where(SeatKey.seat == seat).execute()


def create_keys(group: LicenceGroup, first: int, last: int) -> None:
    """Let the new seats of these numbers be found as nobody's."""
    made = Seat.select(Seat.group, Seat.id, Seat.status, Value(NOBODY, unpack=False)).where(
        Seat.group == group,
        Seat.number.between(first, last),
        Seat.status == SeatStatus.UNCONFIGURED,
    )
    SeatKey.insert_from(
        made, [SeatKey.group, SeatKey.seat, SeatKey.status, SeatKey.key]
    ).on_conflict_ignore().execute()
