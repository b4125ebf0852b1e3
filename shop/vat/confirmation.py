"""Confirmation of customers' VAT numbers: a job asks the registry and retries until it answers."""

from __future__ import annotations

from datetime import timedelta

import structlog

from records.accounts import Account, VatStatus
from shop import clock, jobs
from shop.vat.registry import Answer, registry

log = structlog.get_logger()

RETRY_AFTER = timedelta(minutes=10)

_STATUS = {Answer.CONFIRMED: VatStatus.CONFIRMED, Answer.UNKNOWN: VatStatus.UNKNOWN}


def request_confirmation(account: Account) -> None:
    """Queue the check of an account's VAT number, if it has one.

    Runs in the caller's transaction; every call queues a new job.
    """
    if account.vat_number:
        key = f"vat:{account.id}:{account.vat_number}:{clock.now().isoformat()}"
        confirm.using(key=key).later(account=account.id, vat_number=account.vat_number)


@jobs.handles("confirm_vat_number", attempts=50, first_delay=timedelta(seconds=30))
def confirm(account: int, vat_number: str) -> None:
    """Check whether a customer's VAT number exists; VAT is due until it is confirmed (design)."""
    row = Account.get_by_id(account)
    if row.vat_number != vat_number or row.vat_status != VatStatus.UNCONFIRMED:
        return
    answer = registry().check(vat_number)
    if answer == Answer.UNAVAILABLE:
        raise jobs.Later(RETRY_AFTER)
    Account.update(vat_status=_STATUS[answer]).where(
        Account.id == account, Account.vat_number == vat_number
    ).execute()
    log.info("vat_number_checked", account=row.id, answer=str(answer))
