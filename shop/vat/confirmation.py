"""Confirmation of customers' VAT numbers: a job asks the registry and retries until it answers.

Each answer is on record (`VatCheck`). A number is asked about again where the registry did not
answer, for a month where it did not know it, and before each renewal without VAT.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from peewee import SQL, ModelSelect, fn

from records.accounts import Account, VatStatus
from records.base import database
from records.vat import MISFITS, VatAnswer, VatCheck
from shop import clock, jobs
from shop.vat import company_names
from shop.vat.registry import Answer, Consultation, registry

log = structlog.get_logger()

RETRY_AFTER = timedelta(minutes=10)

UNKNOWN_AGAIN = timedelta(days=1)
"""How long after the registry did not know a number it is asked again: new ones come late."""

UNKNOWN_FOR = timedelta(days=30)
"""How long it is asked again about a number that it does not know."""

_STATUS = {Answer.CONFIRMED: VatStatus.CONFIRMED, Answer.UNKNOWN: VatStatus.UNKNOWN}


# --- Asking ------------------------------------------------------------------------------------


def request_confirmation(account: Account) -> None:
    """Queue the check of an account's VAT number, if it has one.

    Runs in the caller's transaction; every call queues a new job.
    """
    if account.vat_number:
        key = f"vat:{account.id}:{account.vat_number}:{clock.now().isoformat()}"
        confirm.using(key=key).later(account=account.id, vat_number=account.vat_number)


def request_again(account: Account, cause: str) -> None:
    """Queue another check of an account's number, if it has one; once for each ``cause``."""
    if not account.vat_number:
        return
    key = f"vat:{account.id}:{account.vat_number}:{cause}"
    confirm_again.using(key=key).later(account=account.id, vat_number=account.vat_number)


@jobs.handles("confirm_vat_number", attempts=50, first_delay=timedelta(seconds=30))
def confirm(account: int, vat_number: str) -> None:
    """Check whether a customer's VAT number exists; VAT is due until it is confirmed (design)."""
    row = Account.get_by_id(account)
    if row.vat_status in {VatStatus.UNCONFIRMED, VatStatus.UNKNOWN}:
        _ask(row, vat_number)


@jobs.handles("confirm_vat_number_again", attempts=50, first_delay=timedelta(seconds=30))
def confirm_again(account: int, vat_number: str) -> None:
    """Check a number that was confirmed before; VAT is due again once it is not known any more."""
    _ask(Account.get_by_id(account), vat_number)


def _ask(account: Account, vat_number: str) -> None:
    if account.vat_number != vat_number:
        return
    found = registry().check(vat_number)
    log.info("vat_number_checked", account=account.id, answer=str(found.answer))
    if found.answer == Answer.UNAVAILABLE:
        raise jobs.Later(RETRY_AFTER)
    with database.atomic():
        _record(account, found)
        Account.update(vat_status=_STATUS[found.answer]).where(
            Account.id == account, Account.vat_number == vat_number
        ).execute()
    if found.answer == Answer.UNKNOWN and clock.now() < _unknown_since(account) + UNKNOWN_FOR:
        raise jobs.Later(UNKNOWN_AGAIN)


# --- On record -----------------------------------------------------------------------------------


def _record(account: Account, found: Consultation) -> None:
    before = latest_check(account)
    same = before is not None and (before.company, before.name) == (account.company, found.name)
    VatCheck.create(
        account=account,
        vat_number=account.vat_number,
        answer=VatAnswer(found.answer),
        company=account.company,
        name=found.name,
        address=found.address,
        consultation=found.reference,
        is_fitting=company_names.fit(account.company, found.name),
        asked_at=clock.now(),
        accepted_at=before.accepted_at if before is not None and same else None,
    )


def _unknown_since(account: Account) -> datetime:
    """Return when the registry first did not know the account's number, since it last did."""
    of_number = (VatCheck.account == account) & (VatCheck.vat_number == account.vat_number)
    known = VatCheck.select(fn.MAX(VatCheck.id)).where(
        of_number, VatCheck.answer == VatAnswer.CONFIRMED
    )
    unknown = VatCheck.select().where(of_number, VatCheck.id > fn.COALESCE(known, 0))
    first: VatCheck = unknown.order_by(VatCheck.id).get()
    return first.asked_at


def checks_of(account: Account) -> list[VatCheck]:
    """Return the consultations about an account's numbers, newest first."""
    return list(VatCheck.select().where(VatCheck.account == account).order_by(VatCheck.id.desc()))


def latest_check(account: Account) -> VatCheck | None:
    """Return the last consultation about an account's present number, if any."""
    checks = VatCheck.select().where(
        VatCheck.account == account, VatCheck.vat_number == account.vat_number
    )
    return checks.order_by(VatCheck.id.desc()).first()


def misfits() -> ModelSelect[VatCheck]:
    """Return the query for confirmed numbers whose company has another name than the customer gave.

    One row for each account, its last consultation; those that the operator accepted are left out.
    """
    later = VatCheck.alias()
    newer = later.select().where(later.account == VatCheck.account, later.id > VatCheck.id)
    return (
        VatCheck.select(VatCheck, Account)
        .join(Account)
        .where(
            SQL(MISFITS),
            VatCheck.vat_number == Account.vat_number,
            VatCheck.answer == VatAnswer.CONFIRMED,
            ~fn.EXISTS(newer),
        )
        .order_by(VatCheck.id)
    )


def accept_name(account: Account) -> bool:
    """Record that the operator found the names to agree; return False if they are not in doubt."""
    return bool(
        VatCheck.update(accepted_at=clock.now())
        .where(VatCheck.id.in_(misfits().select(VatCheck.id).where(VatCheck.account == account)))
        .execute()
    )
