"""Billing of Office Attach: a free month, an e-mail before it ends, then ordinary renewals."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from models import (
    Account,
    GroupStatus,
    Invoice,
    InvoiceStatus,
    Letter,
    LicenceGroup,
    Renewal,
)
from shop import mail
from shop.clock import midnight
from shop.exchange import attached_licences
from shop.invoicing import ledger_proof
from shop.jobs import queue
from shop.subscriptions import renewals, terminations
from tests.support import exchange, groups, letters
from tests.support.parties import Bank, Provider
from tests.support.visitor import Visitor

PRICE = 3 * 880
WITH_VAT = PRICE * 12 // 10


@pytest.fixture
def free(
    clock: time_machine.Traveller, alice: Account, bank: Bank, provider: Provider
) -> LicenceGroup:
    """Three free licences, activated on 31 January 2027."""
    clock.move_to(datetime(2027, 1, 31, 9, tzinfo=UTC))
    exchange.with_card(alice, bank)
    return exchange.attached(exchange.service(alice), 3)


def go_to(clock: time_machine.Traveller, day: date, hours: float = 0) -> None:
    """Move to that many hours after a day begins in Paris, and run everything due by then."""
    clock.move_to(midnight(day) + timedelta(hours=hours, minutes=1))
    renewals.run_renewals()
    queue.drain()


def told() -> list[Letter]:
    return list(Letter.select().where(Letter.kind == "free_period_ending"))


def test_nothing_is_charged_before_the_first_renewal(
    clock: time_machine.Traveller, free: LicenceGroup, bank: Bank
) -> None:
    assert attached_licences.first_renewal(free) == date(2027, 2, 28)
    go_to(clock, date(2027, 2, 27), hours=23)
    assert not Renewal.select().exists()
    assert not Invoice.select().exists()
    assert bank.balance() == 0


def test_a_letter_7_days_before_says_what_will_be_charged(
    clock: time_machine.Traveller, free: LicenceGroup
) -> None:
    go_to(clock, date(2027, 2, 20), hours=23)
    assert told() == []
    for hours in (0, 1, 24):
        go_to(clock, date(2027, 2, 21), hours)
    text = letters.plain(mail.text_of(*told()))
    for said in ("exchange-atelier", "28 février 2027", "31,68", "8,80"):
        assert said in text, said


def test_the_first_paid_renewals_come_on_the_right_days_and_amounts(
    clock: time_machine.Traveller, free: LicenceGroup, bank: Bank
) -> None:
    go_to(clock, date(2027, 2, 21))
    go_to(clock, date(2027, 2, 28))
    go_to(clock, date(2027, 2, 28), hours=5)
    first = Renewal.get()
    assert (first.period_start, first.period_end) == (date(2027, 2, 28), date(2027, 3, 31))
    assert (first.quantity, first.invoice.status) == (3, InvoiceStatus.PAID)
    assert (first.invoice.net_cents, first.invoice.total_cents) == (PRICE, WITH_VAT)
    assert bank.balance() == WITH_VAT
    go_to(clock, date(2027, 3, 30), hours=23)
    assert Renewal.select().count() == 1
    go_to(clock, date(2027, 3, 31))
    assert Renewal.select().count() == 2
    assert bank.balance() == 2 * WITH_VAT
    assert list(ledger_proof.find_faults()) == []
    assert groups.fresh(free).status == GroupStatus.INSTALLED
    assert len(told()) == 1


def test_after_a_termination_nothing_is_ever_charged(
    clock: time_machine.Traveller, free: LicenceGroup, bank: Bank, visitor: Visitor, alice: Account
) -> None:
    go_to(clock, date(2027, 2, 10))
    terminations.request_termination(free, by="alice")
    for day in (date(2027, 2, 21), date(2027, 2, 28), date(2027, 3, 31), date(2027, 4, 30)):
        go_to(clock, day)
    assert groups.fresh(free).status == GroupStatus.TERMINATED
    assert not Renewal.select().exists()
    assert not Invoice.select().exists()
    assert bank.balance() == 0
    assert told() == []
    visitor.log_in(alice)
    visitor.open("/manager/exchange/exchange-atelier")
    assert visitor.sees("Ce groupe de licences a été résilié")
    assert not visitor.sees("Profitez de cette offre")
    assert not visitor.sees("Gratuit jusqu’au premier renouvellement")
    visitor.follow("Comptes E-mail")
    assert not visitor.sees("Licence n° 1")


def test_the_page_stops_saying_free_once_it_is_not(
    clock: time_machine.Traveller, free: LicenceGroup, visitor: Visitor, alice: Account
) -> None:
    go_to(clock, date(2027, 2, 27))
    visitor.log_in(alice)
    visitor.open("/manager/exchange/exchange-atelier")
    assert visitor.sees("Gratuit jusqu’au premier renouvellement, le 28 février 2027")
    visitor.follow("Renouvellement et résiliation")
    assert visitor.sees("Prochain renouvellement le 28 février 2027")
    go_to(clock, date(2027, 2, 28))
    visitor.log_in(alice)
    visitor.open("/manager/exchange/exchange-atelier")
    assert visitor.sees("3 licences actives")
    assert not visitor.sees("Gratuit jusqu’au premier renouvellement")
