"""The provider's part of a seat: accounts made, changed and taken away; queued, never done twice.

Every call carries a key of its own, made of the seat and the version of the act, so that a job
that runs again asks for the same operation again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog

from records.accounts import Account
from records.base import database
from records.groups import GroupStatus, LicenceGroup
from records.seat_states import SeatAct, SeatStatus
from records.seats import Seat
from shop import clock, jobs, mail, settings
from shop.errors import N_, PartyRejected
from shop.exchange import seating
from shop.jobs import kinds
from shop.licences.seats import search_keys, seat_states
from shop.office.configured import provider
from shop.office.polling import settled_operation
from shop.office.protocol import Operation, OperationStatus, Person
from shop.security import encryption

log = structlog.get_logger()

ATTEMPTS = 10
"""About half an hour of a silent provider; then the customer is told and may ask again."""

PATIENCE = timedelta(days=1)
"""How long the provider may leave something pending; then the customer may ask again."""

UNAVAILABLE = "unavailable"
UNFINISHED = "unfinished"

WORDS: dict[str, str] = {
    UNAVAILABLE: N_("The provider has not answered for a long time."),
    UNFINISHED: N_("The provider has not finished this in a day."),
    "no_free_seat": N_("The provider has no free licence for this group yet."),
    "address_taken": N_("Somebody else has this address at the provider. Choose another login."),
    "unknown_user": N_("The provider no longer knows this account."),
    "unknown_tenant": N_("The provider does not know this group."),
}
"""What went wrong, by the provider's machine word; any other comes with the provider's words."""

OTHERWISE = N_("The provider refused.")


def at(seat: Seat) -> str:
    """The address of a seat's holder."""
    return f"{seat.shown_login}@{seat.group.domain}"


def _give_up(seat: int, version: int, since: str, reason: str) -> None:
    row = _under_way(seat, version)
    if row is not None:
        _failed(row, reason, UNAVAILABLE)


def _failed(seat: Seat, reason: str, code: str) -> None:
    """Show the customer what went wrong; the act can be asked for again."""
    log.error("seat failed", seat=seat.id, act=seat.act, code=code, reason=reason)
    seat_states.move(
        seat, SeatStatus.ERROR, by="provider", note=reason,
        error=reason[:255], error_code=code[:32],
    )  # fmt: skip


def _under_way(seat: int, version: int) -> Seat | None:
    """The seat with its group and account, if the act of ``version`` is still to be done."""
    row: Seat = (
        Seat.select(Seat, LicenceGroup, Account)
        .join(LicenceGroup)
        .join(Account)
        .where(Seat.id == seat)
        .get()
    )
    ended = row.group.status == GroupStatus.TERMINATED
    return row if row.version == version and row.is_moving and not ended else None


def _person(seat: Seat) -> Person:
    return Person(at(seat), seat.first_name, seat.last_name, seat.group.account.language)


def _key(seat: Seat, step: str) -> str:
    return f"{step}-{seat.group.name}-{seat.number}-{seat.version}"


def _done(key: str, begin: Callable[[], Operation], since: datetime) -> Operation:
    """Like `polling.settled_operation`; what is pending after a day is taken for refused."""
    try:
        return settled_operation(key, begin, since=since)
    except jobs.Later:
        if clock.now() - since < PATIENCE:
            raise
    raise PartyRejected("the provider has left it pending for a day", UNFINISHED)


def _settle(seat: Seat, **changed: Any) -> bool:
    """The provider has done it: the seat is active."""
    done = {"act": SeatAct.NONE, "secret": "", "error": "", "error_code": ""}
    return seat_states.move(seat, SeatStatus.ACTIVE, by="provider", **{**done, **changed})


def _credentials(seat: Seat, secret: str) -> dict[str, str]:
    return {
        "group": seat.group.display_name,
        "address": at(seat),
        "password": encryption.unseal(secret),
        "portal": settings.current().portal_address,
        "key": f"{seat.id}:{seat.version}",
    }


# --- Activating ------------------------------------------------------------------------------


@kinds.activate_seat.handler(attempts=ATTEMPTS, give_up=_give_up)
def activate_seat(seat: int, version: int, since: str) -> None:
    """Make the holder's account, and send its credentials by letter (guide)."""
    row = _under_way(seat, version)
    if row is None:
        return
    began = datetime.fromisoformat(since)
    try:
        reference = _made_before(row, began) or _made_now(row, began)
    except PartyRejected as refusal:
        _failed(row, str(refusal), refusal.code)
        return
    with database.atomic():
        secret = row.secret
        if _settle(row, reference=reference):
            seat_states.consume(row, +1)
            credentials = _credentials(row, secret)
            mail.licence_active(row.group.account, **credentials)
            seating.tell_owner(row, credentials)


def _made_now(seat: Seat, since: datetime) -> str:
    key, group = _key(seat, "activate"), seat.group
    # Written first: whatever becomes of this attempt, the next one knows what to look for.
    Seat.update(creation_key=key).where(Seat.id == seat.id).execute()
    password = encryption.unseal(seat.secret)
    operation = _done(
        key, lambda: provider().create_user(key, group.domain, _person(seat), password), since
    )
    return operation.result["user"]


def _made_before(seat: Seat, since: datetime) -> str:
    """The account an earlier attempt made without our knowing, brought up to date; "" if none."""
    if seat.creation_key in ("", _key(seat, "activate")):
        return ""
    reference = _account_of(seat, since)
    if reference:
        _update(seat, reference, since)
        _set_password(seat, reference, since)
    return reference


def _account_of(seat: Seat, since: datetime) -> str:
    """The provider's reference of the seat's account, however we came by it; "" if none."""
    if seat.reference or not seat.creation_key:
        return seat.reference
    operation = provider().find_operation(seat.creation_key)
    if operation is None or operation.status == OperationStatus.FAILED:
        return ""
    return _done(seat.creation_key, lambda: operation, since).result["user"]


# --- Changing --------------------------------------------------------------------------------


def _update(seat: Seat, reference: str, since: datetime) -> None:
    key, domain = _key(seat, "edit"), seat.group.domain
    _done(key, lambda: provider().update_user(key, domain, reference, _person(seat)), since)


def _set_password(seat: Seat, reference: str, since: datetime) -> None:
    key, domain = _key(seat, "password"), seat.group.domain
    password = encryption.unseal(seat.secret)
    _done(key, lambda: provider().set_password(key, domain, reference, password), since)


@kinds.update_seat.handler(attempts=ATTEMPTS, give_up=_give_up)
def update_seat(seat: int, version: int, since: str) -> None:
    """Change the names or the address of the holder's account."""
    row = _under_way(seat, version)
    if row is None:
        return
    try:
        _update(row, row.reference, datetime.fromisoformat(since))
    except PartyRejected as refusal:
        _failed(row, str(refusal), refusal.code)
        return
    _settle(row)


@kinds.set_seat_password.handler(attempts=ATTEMPTS, give_up=_give_up)
def set_seat_password(seat: int, version: int, since: str) -> None:
    """Replace the account's password and send the new one by letter."""
    row = _under_way(seat, version)
    if row is None:
        return
    try:
        _set_password(row, row.reference, datetime.fromisoformat(since))
    except PartyRejected as refusal:
        _failed(row, str(refusal), refusal.code)
        return
    with database.atomic():
        secret = row.secret
        if _settle(row):
            mail.seat_password_changed(row.group.account, **_credentials(row, secret))


# --- Releasing -------------------------------------------------------------------------------


NOBODYS: dict[str, Any] = {
    "act": SeatAct.NONE,
    "first_name": "",
    "last_name": "",
    "login": None,
    "login_key": None,
    "reference": "",
    "creation_key": "",
    "secret": "",
    "error": "",
    "error_code": "",
    **search_keys.UNCONFIGURED_SORT_COLUMNS,
}
"""The columns of a seat that is nobody's."""


@kinds.release_seat.handler(attempts=ATTEMPTS, give_up=_give_up)
def release_seat(seat: int, version: int, since: str) -> None:
    """Take the account away; the seat is nobody's again, and stays paid."""
    row = _under_way(seat, version)
    if row is None:
        return
    try:
        _delete(row, datetime.fromisoformat(since))
    except PartyRejected as refusal:
        _failed(row, str(refusal), refusal.code)
        return
    with database.atomic():
        _released(row)


def _delete(seat: Seat, since: datetime) -> None:
    reference = _account_of(seat, since)
    if not reference:
        return
    key, domain = _key(seat, "release"), seat.group.domain
    _done(key, lambda: provider().delete_user(key, domain, reference), since)


def _released(seat: Seat) -> None:
    address, was_consumed = at(seat), bool(seat.reference)
    emptied = seat_states.move(
        seat,
        SeatStatus.UNCONFIGURED,
        by="provider",
        found_by={search_keys.UNCONFIGURED_KEY},
        **NOBODYS,
    )
    if emptied:
        seating.unlink(seat)
    if not emptied or not was_consumed:
        return
    seat_states.consume(seat, -1)
    mail.licence_released(
        seat.group.account,
        group=seat.group.display_name,
        address=address,
        key=f"{seat.id}:{seat.version}",
    )
