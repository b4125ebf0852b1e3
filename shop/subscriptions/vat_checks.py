"""The checks of VAT numbers on which renewals rely: the registry is asked again before each."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from peewee import SQL, ModelSelect, fn

from records.accounts import WITH_VAT_NUMBER, Account, VatStatus
from records.batches import in_batches
from records.subscriptions import Subscription
from records.vat import VatCheck
from shop import clock, jobs
from shop.vat import confirmation
from shop.vat.territories import FRENCH_FAMILY, MEMBER_STATES

ASKED_BEFORE = timedelta(days=8)
"""How long before a renewal the registry is asked: before the customer is told its price."""

REVERSE_CHARGED = MEMBER_STATES - FRENCH_FAMILY
"""The countries whose businesses owe the VAT themselves while their number is confirmed."""


@jobs.handles("check_vat_numbers", attempts=20, first_delay=timedelta(minutes=1))
def check_vat_numbers() -> None:
    """Queue the checks of numbers whose renewals come, and of those confirmed without a record."""
    for subscription in in_batches(_renewing_soon(), Subscription.renews_on, Subscription.id):
        cause = f"renewal:{subscription.renews_on.isoformat()}"
        confirmation.request_again(subscription.account, cause)
    for account in in_batches(_without_record(), Account.id):
        confirmation.request_again(account, "record")


def _relies() -> Any:
    return (Account.vat_status == VatStatus.CONFIRMED) & Account.country.in_(REVERSE_CHARGED)


def _renewing_soon() -> ModelSelect[Subscription]:
    return (
        Subscription.select(Subscription, Account)
        .join(Account)
        .where(_relies(), Subscription.renews_on <= clock.today() + ASKED_BEFORE)
    )


def _without_record() -> ModelSelect[Account]:
    checked = VatCheck.select(VatCheck.id).where(
        VatCheck.account == Account.id, VatCheck.vat_number == Account.vat_number
    )
    return Account.select().where(SQL(WITH_VAT_NUMBER), _relies(), ~fn.EXISTS(checked))
