"""Actions of customers on a seat: configure, edit, change the password, release, retry.

Each action compares the version its form was opened with, changes the seat's status and queues the
job in one transaction (optimistic locking). `shop.delivery.seat_jobs` then calls the provider.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from peewee import IntegrityError

from records.base import database, lock
from records.groups import LicenceGroup
from records.seat_states import SeatAct, SeatStatus
from records.seats import Seat
from shop import clock, jobs
from shop.errors import N_, Conflict, Refusal
from shop.jobs import kinds
from shop.licences.seats import handovers, rules, search_keys, seat_states
from shop.licences.seats.rules import Person
from shop.sandbox_link import test_points
from shop.security import encryption

LOGIN_TAKEN = N_("Somebody else in this group has this login.")
GROUP_CLOSED = N_("This group’s licences cannot be changed at the moment.")

WORK = {
    SeatAct.ACTIVATE: (SeatStatus.ACTIVATING, kinds.activate_seat),
    SeatAct.EDIT: (SeatStatus.UPDATING, kinds.update_seat),
    SeatAct.PASSWORD: (SeatStatus.UPDATING, kinds.set_seat_password),
    SeatAct.RELEASE: (SeatStatus.RELEASING, kinds.release_seat),
}
"""The status of a seat during each action, and the job that carries it out."""


class StaleVersion(Conflict):
    """The seat has changed since its form was opened; ``seat`` is its current state."""

    def __init__(self, seat: Seat) -> None:
        super().__init__(N_("This licence has been changed meanwhile. Nothing was done or sent."))
        self.seat = seat


def configure(
    seat: Seat, version: int, person: Person, by: str, recipient: str | None = None
) -> Seat:
    """Assign an unconfigured seat to ``person`` (guide: first name, last name, login).

    ``recipient`` gets the password (`handovers.replace`). Raises `StaleVersion` if the seat was
    changed first, `Refusal` at ``login`` if it is taken.
    """
    with _locked_seat(seat, version, "configure") as row:
        begin_configuration(row, person, by)
        handovers.replace(row, recipient)
    return row


def begin_configuration(
    seat: Seat, person: Person, by: str, priority: jobs.Priority | None = None
) -> Seat:
    """Configure an unconfigured seat that the caller has locked, in the caller's transaction.

    Raises `peewee.IntegrityError` if the login is taken.
    """
    secret = encryption.seal(rules.new_password(person.login))
    _begin(seat, SeatAct.ACTIVATE, by, person, priority, secret=secret)
    return seat


def edit(seat: Seat, version: int, person: Person, by: str) -> Seat:
    """Change the holder's names or login; after a failed activation, activate with them.

    Raises the same exceptions as `configure`.
    """
    with _locked_seat(seat, version, "edit") as row:
        act = SeatAct.ACTIVATE if row.act == SeatAct.ACTIVATE else SeatAct.EDIT
        _begin(row, act, by, person, **_replacement_secret(row, act))
        handovers.carry_over(row, version)
    return row


def change_password(
    seat: Seat, version: int, password: str, by: str, priority: jobs.Priority | None = None,
    recipient: str | None = None,
) -> Seat:  # fmt: skip
    """Replace the holder's password and send it by e-mail; a blank one is generated.

    ``recipient`` gets it (`handovers.replace`).

    Raises `StaleVersion`, and `Refusal` at ``password`` if it does not follow the rules.
    """
    with _locked_seat(seat, version, "password") as row:
        login = row.login or ""
        if password:
            rules.check_password(password, login)
        secret = encryption.seal(password or rules.new_password(login))
        _begin(row, SeatAct.PASSWORD, by, priority=priority, secret=secret)
        handovers.replace(row, recipient)
    return row


def release(seat: Seat, version: int, by: str, priority: jobs.Priority | None = None) -> Seat:
    """Remove the licence from its holder; the seat stays paid until the renewal (design).

    Raises `StaleVersion`.
    """
    with _locked_seat(seat, version, "release") as row:
        _begin(row, SeatAct.RELEASE, by, priority=priority, secret="")
        handovers.end_handover(row)
    return row


def retry(seat: Seat, version: int, by: str) -> Seat:
    """Repeat the action that failed. Raises `StaleVersion`."""
    with _locked_seat(seat, version, "retry") as row:
        _begin(row, row.act, by, **_replacement_secret(row, row.act))
        handovers.carry_over(row, version)
    return row


def _replacement_secret(seat: Seat, act: str) -> dict[str, Any]:
    """Return the column of a new password, if the action needs one and no key decrypts the old."""
    needs_one = act in (SeatAct.ACTIVATE, SeatAct.PASSWORD)
    if not needs_one or encryption.can_decrypt(seat.secret):
        return {}
    return {"secret": encryption.seal(rules.new_password(seat.login or ""))}


@contextmanager
def _locked_seat(seat: Seat, version: int, act: str) -> Iterator[Seat]:
    """Yield the current row of ``seat``, locked until the action is written.

    Raises `StaleVersion`, and `Refusal` if the group or the seat's status does not allow the
    action, or the login is taken.
    """
    test_points.point(f"seats.{act}")
    try:
        with database.atomic():
            row = lock(seat)
            row.group = group = LicenceGroup.get_by_id(row.group_id)
            if not group.is_open:
                raise Refusal(GROUP_CLOSED)
            if row.version != version:
                raise StaleVersion(row)
            if not row.may(act):
                raise Refusal(refusal_reason(row))
            yield row
    except IntegrityError:
        raise Refusal(LOGIN_TAKEN, "login") from None
    except seat_states.GroupEnded:
        raise Refusal(N_("This group has been terminated.")) from None


def refusal_reason(seat: Seat) -> str:
    """Return why the seat's status does not allow what was asked for (``msgid``)."""
    if seat.is_moving:
        return N_("The provider is at work on this licence: wait until it is done.")
    return N_("This cannot be done with the licence as it stands.")


def _begin(
    seat: Seat,
    act: str,
    by: str,
    person: Person | None = None,
    priority: jobs.Priority | None = None,
    **written: Any,
) -> None:
    """Move ``seat`` to the status of ``act`` and queue its job."""
    status, work = WORK[SeatAct(act)]
    held = _holder_columns(person) if person else {}
    found_by = search_keys.keys_of(*vars(person).values()) if person else None
    version = seat.version + 1
    moved = seat_states.move_seat(
        seat, status, by=by, note=act, found_by=found_by,
        act=act, version=version, error="", error_code="", **held, **written,
    )  # fmt: skip
    if not moved:
        raise StaleVersion(Seat.get_by_id(seat.id))
    work.using(key=f"seat:{seat.id}:{version}", priority=priority).later(
        seat=seat.id, version=version, since=clock.now().isoformat()
    )


def _holder_columns(person: Person) -> dict[str, Any]:
    """Return the columns that describe the holder of a seat."""
    return {
        "first_name": person.first_name,
        "last_name": person.last_name,
        "login": person.login,
        "login_key": person.login_key,
        **search_keys.sort_columns(person.first_name, person.last_name, person.login),
    }


def login_is_free(group: LicenceGroup, login: str, but_for: Seat | None = None) -> bool:
    """Whether no other seat of ``group`` has ``login``.

    For an early message only: the unique index decides.
    """
    taken = (Seat.group == group) & (Seat.login_key == login.lower())
    if but_for is not None:
        taken &= Seat.id != but_for.id
    return not Seat.select().where(taken).exists()
