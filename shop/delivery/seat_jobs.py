"""The jobs that create, change and delete the account of a seat at the provider; idempotent.

Every call carries an idempotency key made of the seat and the version of the action, so that a
repeated job refers to the same operation.
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
from shop.delivery import handovers
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
"""About half an hour without an answer; then the customer sees an error and may retry."""

LONGEST_PENDING = timedelta(days=1)
"""The longest time an operation may be pending; then the customer may retry."""

UNAVAILABLE = "unavailable"
UNFINISHED = "unfinished"

ERROR_SENTENCES: dict[str, str] = {
    UNAVAILABLE: N_("The provider has not answered for a long time."),
    UNFINISHED: N_("The provider has not finished this in a day."),
    "no_free_seat": N_("The provider has no free licence for this group yet."),
    "address_taken": N_("Somebody else has this address at the provider. Choose another login."),
    "unknown_user": N_("The provider no longer knows this account."),
    "unknown_tenant": N_("The provider does not know this group."),
}
"""The sentence for each error code; any other is shown with the provider's own message."""

OTHER_ERROR = N_("The provider refused.")


def email_address_of(seat: Seat) -> str:
    """Return the e-mail address of a seat's holder."""
    return f"{seat.shown_login}@{seat.group.domain}"


def _give_up(seat: int, version: int, since: str, reason: str) -> None:
    row = _seat_under_way(seat, version)
    if row is not None:
        _fail(row, reason, UNAVAILABLE)


def _fail(seat: Seat, reason: str, code: str) -> None:
    """Move the seat to its error state, which the customer sees and can retry from."""
    log.error("seat_failed", seat=seat.id, act=seat.act, code=code, reason=reason)
    seat_states.move_seat(
        seat, SeatStatus.ERROR, by="provider", note=reason,
        error=reason[:255], error_code=code[:32],
    )  # fmt: skip


def _seat_under_way(seat: int, version: int) -> Seat | None:
    """Return the seat with its group and account; None if ``version`` needs no more work."""
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
    return Person(
        email_address_of(seat), seat.first_name, seat.last_name, seat.group.account.language
    )


def _idempotency_key(seat: Seat, step: str) -> str:
    return f"{step}-{seat.group.name}-{seat.number}-{seat.version}"


def _finished_operation(key: str, begin: Callable[[], Operation], since: datetime) -> Operation:
    """Return `polling.settled_operation`; raise `PartyRejected` if it is pending after a day."""
    try:
        return settled_operation(key, begin, since=since)
    except jobs.Later:
        if clock.now() - since < LONGEST_PENDING:
            raise
    raise PartyRejected("the provider has left it pending for a day", UNFINISHED)


def _complete(seat: Seat, **changed: Any) -> bool:
    """Mark the seat as active after the provider's work."""
    done = {"act": SeatAct.NONE, "secret": "", "error": "", "error_code": ""}
    return seat_states.move_seat(seat, SeatStatus.ACTIVE, by="provider", **{**done, **changed})


def _credentials(seat: Seat, secret: str) -> dict[str, str]:
    return {
        "group": seat.group.display_name,
        "address": email_address_of(seat),
        "password": encryption.unseal(secret),
        "portal": settings.current().portal_sign_in_url,
        "key": f"{seat.id}:{seat.version}",
    }


# --- Activating ------------------------------------------------------------------------------


@kinds.activate_seat.handler(attempts=ATTEMPTS, give_up=_give_up)
def activate_seat(seat: int, version: int, since: str) -> None:
    """Create the holder's account and send its credentials by e-mail (guide)."""
    row = _seat_under_way(seat, version)
    if row is None:
        return
    began = datetime.fromisoformat(since)
    try:
        reference = _adopt_account(row, began) or _create_account(row, began)
    except PartyRejected as refusal:
        _fail(row, str(refusal), refusal.code)
        return
    with database.atomic():
        secret = row.secret
        if _complete(row, reference=reference, active_since=clock.now()):
            seat_states.consume(row, +1)
            credentials = _credentials(row, secret)
            if not handovers.hand_over(row, secret):
                mail.licence_active(row.group.account, **credentials)
            seating.send_to_owner(row, credentials)


def _create_account(seat: Seat, since: datetime) -> str:
    key, group = _idempotency_key(seat, "activate"), seat.group
    # Stored before the call, so that a later attempt can find the account if the answer is lost.
    Seat.update(creation_key=key).where(Seat.id == seat.id).execute()
    password = encryption.unseal(seat.secret)
    operation = _finished_operation(
        key, lambda: provider().create_user(key, group.domain, _person(seat), password), since
    )
    return operation.result["user"]


def _adopt_account(seat: Seat, since: datetime) -> str:
    """Update and return the account that an earlier attempt created unnoticed; "" if none."""
    if seat.creation_key in ("", _idempotency_key(seat, "activate")):
        return ""
    reference = _account_of(seat, since)
    if reference:
        _update_account(seat, reference, since)
        _set_password(seat, reference, since)
    return reference


def _account_of(seat: Seat, since: datetime) -> str:
    """Return the provider's reference of the seat's account; "" if it has none.

    It is the stored one, or that of the operation whose answer was lost.
    """
    if seat.reference or not seat.creation_key:
        return seat.reference
    operation = provider().find_operation(seat.creation_key)
    if operation is None or operation.status == OperationStatus.FAILED:
        return ""
    return _finished_operation(seat.creation_key, lambda: operation, since).result["user"]


# --- Changing --------------------------------------------------------------------------------


def _update_account(seat: Seat, reference: str, since: datetime) -> None:
    key, domain = _idempotency_key(seat, "edit"), seat.group.domain
    _finished_operation(
        key, lambda: provider().update_user(key, domain, reference, _person(seat)), since
    )


def _set_password(seat: Seat, reference: str, since: datetime) -> None:
    key, domain = _idempotency_key(seat, "password"), seat.group.domain
    password = encryption.unseal(seat.secret)
    _finished_operation(
        key, lambda: provider().set_password(key, domain, reference, password), since
    )


@kinds.update_seat.handler(attempts=ATTEMPTS, give_up=_give_up)
def update_seat(seat: int, version: int, since: str) -> None:
    """Change the names or the e-mail address of the holder's account."""
    row = _seat_under_way(seat, version)
    if row is None:
        return
    try:
        _update_account(row, row.reference, datetime.fromisoformat(since))
    except PartyRejected as refusal:
        _fail(row, str(refusal), refusal.code)
        return
    _complete(row)


@kinds.set_seat_password.handler(attempts=ATTEMPTS, give_up=_give_up)
def set_seat_password(seat: int, version: int, since: str) -> None:
    """Replace the account's password and send the new one by e-mail."""
    row = _seat_under_way(seat, version)
    if row is None:
        return
    try:
        _set_password(row, row.reference, datetime.fromisoformat(since))
    except PartyRejected as refusal:
        _fail(row, str(refusal), refusal.code)
        return
    with database.atomic():
        secret = row.secret
        if _complete(row) and not handovers.hand_over(row, secret):
            mail.seat_password_changed(row.group.account, **_credentials(row, secret))


# --- Releasing -------------------------------------------------------------------------------


UNCONFIGURED_COLUMNS: dict[str, Any] = {
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
    "active_since": None,
    "has_signed_in": False,
    **search_keys.UNCONFIGURED_SORT_COLUMNS,
}
"""The columns of an unconfigured seat."""


@kinds.release_seat.handler(attempts=ATTEMPTS, give_up=_give_up)
def release_seat(seat: int, version: int, since: str) -> None:
    """Delete the account; the seat is unconfigured again, and stays paid."""
    row = _seat_under_way(seat, version)
    if row is None:
        return
    try:
        _delete_account(row, datetime.fromisoformat(since))
    except PartyRejected as refusal:
        _fail(row, str(refusal), refusal.code)
        return
    with database.atomic():
        _complete_release(row)


def _delete_account(seat: Seat, since: datetime) -> None:
    reference = _account_of(seat, since)
    if not reference:
        return
    key, domain = _idempotency_key(seat, "release"), seat.group.domain
    _finished_operation(key, lambda: provider().delete_user(key, domain, reference), since)


def _complete_release(seat: Seat) -> None:
    address, was_consumed = email_address_of(seat), bool(seat.reference)
    emptied = seat_states.move_seat(
        seat,
        SeatStatus.UNCONFIGURED,
        by="provider",
        found_by={search_keys.UNCONFIGURED_KEY},
        **UNCONFIGURED_COLUMNS,
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
