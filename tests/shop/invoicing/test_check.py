"""``flask billing check``: each of its queries finds the fault that it looks for."""

from __future__ import annotations

import re

import pytest

from models import (
    Account,
    LicenceGroup,
    Payment,
    Subscription,
    VatCheck,
    database,
)
from shop import clock, vat
from shop.invoicing import account_credits, ledger_proof
from shop.jobs import queue
from shop.payments import disputes, gateway, payouts
from shop.subscriptions import corrections, period_billing
from tests.support import billing, groups, purchases, running
from tests.support.parties import Bank

pytestmark = pytest.mark.usefixtures("provider")

CORRUPTIONS = {
    "an entry vanished": "DELETE FROM ledger_entry WHERE kind = 'charged'",
    "money vanished": "DELETE FROM ledger_entry WHERE kind = 'paid'",
    "money was entered twice as large": "UPDATE ledger_entry SET cents = 2 * cents "
    "WHERE kind = 'paid'",
    "a refund was forgotten": "DELETE FROM ledger_entry WHERE kind = 'refunded'",
    "a credit was forgotten": "DELETE FROM ledger_entry WHERE kind = 'credited'",
    "an invoice was opened again": "UPDATE invoice SET status = 'due' WHERE status = 'paid'",
    "an invoice was paid without a payment": "UPDATE invoice "
    "SET status = 'paid', paid_at = issued_at "
    "WHERE status = 'due'",
    "a line was dropped": "DELETE FROM invoice_line",
    "a number was skipped": "UPDATE invoice_series SET last = last + 1",
    "a credit was written over": "UPDATE invoice SET credited_cents = 0",
    "a payment was forgotten": "UPDATE payment SET status = 'closed'",
}


@pytest.mark.every_case
@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_the_check_finds_what_does_not_balance(alice: Account, bank: Bank, corruption: str) -> None:
    billing.credit(billing.invoice_of(billing.delivered(alice, bank)))
    billing.delivered(alice, bank)
    billing.due(alice)
    billing.pay(billing.due(alice), bank)
    wrong = billing.due(alice)
    billing.pay(wrong, bank)
    corrections.correct(wrong, {"city": "Roubaix"}, "An error.", by="operator")
    period_billing.bill_ahead(Subscription.select().order_by(Subscription.id).get())
    queue.drain()
    billing.assert_balanced()
    database.execute_sql(CORRUPTIONS[corruption])
    assert list(ledger_proof.find_faults())


def test_a_delivered_order_without_invoice_is_found(alice: Account, bank: Bank) -> None:
    order = billing.delivered(alice, bank)
    database.execute_sql("DELETE FROM ledger_entry WHERE invoice_id IS NOT NULL")
    for table in ("attachment", "letter", "invoice_file", "invoice_line", "invoice"):
        database.execute_sql(f"DELETE FROM {table}")
    assert f"the delivered order {order.number} has no invoice" in list(ledger_proof.find_faults())


FAULTS = {
    "the lines of invoice {} do not add up to its amount": "DELETE FROM invoice_line",
    "invoice {} was not charged, or not with its amount": "DELETE FROM ledger_entry "
    "WHERE kind = 'charged'",
    "credit note {} was not credited, or not with its amount": "DELETE FROM ledger_entry "
    "WHERE kind = 'credited'",
    "the credited amount of invoice {} differs from its credit notes": "UPDATE invoice "
    "SET credited_cents = 0",
    "invoice {} is paid without a payment": "UPDATE invoice "
    "SET status = 'paid', paid_at = issued_at "
    "WHERE status = 'due'",
    "invoice {} is open though it was paid": "UPDATE invoice SET status = 'unpaid' "
    "WHERE status = 'paid'",
    "the money of payment {} is not in the ledger, or not with its amount": "DELETE "
    "FROM ledger_entry WHERE kind = 'paid'",
    "payment {} is in the ledger but was not received": "UPDATE payment SET status = 'closed'",
    "the refund of payment {} is not in the ledger, or not with its amount": "UPDATE payment "
    "SET status = 'refunded' WHERE status = 'succeeded'",
    "more of payment {} was refunded than received": "UPDATE ledger_entry SET cents = 2 * cents "
    "WHERE kind = 'refunded'",
    "refund {} is in the ledger with another amount than it has": "UPDATE ledger_entry "
    "SET cents = cents - 1 WHERE kind = 'refunded'",
    "credit note {} counts as refunded, and no refund of it succeeded": "DELETE "
    "FROM ledger_entry WHERE kind = 'refunded'",
    "the money of credit note {} is to be refunded, and nobody was asked to": "UPDATE invoice "
    "SET status = 'due', paid_at = NULL "
    "WHERE kind = 'credit_note' AND id NOT IN (SELECT credit_note_id FROM refund)",
    "the money of payment {} is to be refunded, and nobody was asked to": "UPDATE payment "
    "SET status = 'refund_due' WHERE status = 'succeeded'",
    "refund {} failed, and the money was neither asked for again nor transferred": "UPDATE refund "
    "SET status = 'failed'",
    "more is given back for credit note {} than it says": "UPDATE refund SET cents = cents + 1",
    "the bank made the refund {} on its own, and nobody explained it": "UPDATE refund "
    "SET origin = 'bank', credit_note_id = NULL, reference = 'x-' || id",
    "credit notes absorbed more of dispute {} than the bank took back": "UPDATE dispute "
    "SET absorbed_cents = withdrawn_cents + 1",
    "the credit notes of customer {} absorbed another amount than disputes say": "UPDATE dispute "
    "SET absorbed_cents = absorbed_cents + 1",
    "dispute {} is in the ledger with another amount than was withdrawn for it": "UPDATE dispute "
    "SET withdrawn_cents = withdrawn_cents + 1",
    "the bank took the payment of invoice {} back for good, and it still counts as paid": "UPDATE "
    "dispute SET status = 'lost'",
    "the bank took the payment of renewal {} back for good, and nothing reminds of it": "DELETE "
    "FROM job WHERE kind = 'collect_invoice'",
    "invoice {} counts as paid by more than the credit note of the one it replaces keeps": "UPDATE "
    "invoice SET offset_cents = offset_cents + 1 WHERE replaces_id IS NOT NULL",
    "invoice {} counts as paid by less of the customer's balance than it used": "UPDATE credit_use "
    "SET cents = cents + 1",
    "amount {} of a customer's balance is in the ledger with another amount than it has": "UPDATE "
    "account_credit SET cents = cents + 1",
    "amount {} of a customer's balance was used by other invoices than it says": "UPDATE "
    "account_credit SET used_cents = used_cents - 1 WHERE used_cents > 0",
    "invoice {} replaces one that still charges": "UPDATE invoice SET status = 'unpaid' "
    "WHERE id IN (SELECT replaces_id FROM invoice)",
    "the period that invoice {} charges is still that of the one it replaces": "UPDATE invoice "
    "SET replaces_id = (SELECT max(invoice_id) FROM renewal) WHERE replaces_id IS NOT NULL",
    "payment {} counts as lost, and not all of it was taken back": "UPDATE payment "
    "SET status = 'lost' WHERE status = 'succeeded'",
    "payment {} charged a card that its customer had not allowed for the service": "DELETE "
    "FROM event WHERE name = 'card_allowed'",
    "service {} is charged to a card that was removed, or is another customer's": "UPDATE card "
    "SET removed_at = consented_at",
    "the delivered order {} has no invoice": "UPDATE purchase_order SET status = 'delivered' "
    "WHERE status = 'awaiting_payment'",
    "the payment of order {} is neither charged nor given back in full": "UPDATE payment "
    "SET uncharged_cents = uncharged_cents + 1",
    "invoice {} charges licences for days before their delivery": "UPDATE addition "
    "SET delivered_on = '2030-01-01' WHERE delivered_on IS NOT NULL",
    "invoice {} charges licences that were not delivered": "UPDATE licence_group "
    "SET installed_at = NULL",
    "the delivery of order {} failed, and the refund of what is missing is not scheduled": "UPDATE "
    "purchase_order SET status = 'delivery_failed' WHERE status = 'delivered'",
    "the customer withdrew from order {}, and it is delivered, or to be, all the same": "UPDATE "
    "purchase_order SET withdrawn_at = paid_at WHERE status = 'delivered'",
    "the customer withdrew from order {}, and its money is kept": "UPDATE purchase_order "
    "SET withdrawn_at = paid_at WHERE status = 'delivered'",
    "the customer withdrew from order {}, and its licences are not being removed": "INSERT "
    "INTO give_back (group_id, seat_id, number, status, ends_on, order_id, asked_at) "
    "SELECT s.group_id, s.id, s.number, 'scheduled', '2030-01-01', l.order_id, "
    "'2026-01-01 00:00:00' FROM seat s JOIN licence_group g ON g.id = s.group_id "
    "JOIN order_line l ON l.id = g.line_id",
    "the customer withdrew from service {}, and a month of it is still charged": "INSERT "
    "INTO termination (group_id, status, cause, reason, ends_on, asked_at, closed_at) "
    "SELECT group_id, 'done', 'withdrawal', '', '2026-01-01', '2026-01-01 00:00:00', "
    "'2026-01-01 00:00:00' FROM invoice WHERE group_id IS NOT NULL",
    "the unpaid order {} is for a group that is suspended or has ended": "UPDATE licence_group "
    "SET status = 'suspended'",
    "the unpaid order {} has an amount that no bank accepts": "UPDATE purchase_order "
    "SET net_cents = 49, vat_cents = 0, total_cents = 49 WHERE status = 'awaiting_payment'",
    "the unpaid order {} does not expire": "DELETE FROM job WHERE kind = 'expire_order'",
    "the unpaid order {} was to be replaced by a later one, and is still payable": "UPDATE "
    "purchase_order SET basket = 'one' WHERE status = 'awaiting_payment'",
    "the group {} counts the places taken in it wrongly": "UPDATE licence_group "
    "SET places_taken = places_taken + 1 WHERE status = 'installed'",
    "the country of the consumer of order {} is kept with fewer than two proofs": "DELETE "
    "FROM place_proof WHERE kind = 'network'",
    "invoice {} charges no VAT, and no confirmation of the number is on record": "UPDATE vat_check "
    "SET answer = 'unknown'",
    "contract {} was not published in both languages": "UPDATE contract SET version = 7 "
    "WHERE kind = 'privacy_notice' AND language = 'en'",
    "a new version of a contract applies, and it was not announced to customer {}": "UPDATE "
    "contract SET applies_on = '2020-01-01', published_at = '2199-01-01 00:00:00' "
    "WHERE kind = 'general_terms'",
    "the lines of payout {} do not add up to its amount": "UPDATE payout_line "
    "SET gross_cents = gross_cents + 1",
    "payout {} sums its lines up wrongly": "UPDATE payout SET fee_cents = fee_cents + 1",
    "payment {} arrived in more than one payout": "INSERT INTO payout_line (payout_id, reference, "
    "kind, gross_cents, fee_cents, source, description, at, payment_id, problem, explanation) "
    "SELECT payout_id, reference || '-2', kind, gross_cents, fee_cents, source, description, at, "
    "payment_id, problem, explanation FROM payout_line WHERE kind = 'charge'",
    "payment {} counts as paid out and is in no payout, or the other way round": "UPDATE payment "
    "SET is_paid_out = NOT is_paid_out",
    "payout {} is booked with another amount than arrived": "UPDATE payout "
    "SET received_cents = received_cents + 1",
    "numbers are missing or too many in the series {}": "UPDATE invoice_series SET last = last + 1",
    "the balance of customer {} differs from the open amounts": "UPDATE ledger_entry "
    "SET cents = cents - 1 "
    "WHERE kind = 'paid'",
}


def without_vat(account: Account) -> None:
    """Issue an invoice without VAT, to a business whose number was confirmed."""
    VatCheck.create(
        account=account, vat_number="DE136695976", answer="confirmed", asked_at=clock.now()
    )
    place = vat.PlaceOfSupply("DE", "10117", "DE136695976", vat_confirmed=True)
    billing.due(account, treatment=vat.treatment_of(place))


def lose_the_renewal(account: Account, bank: Bank) -> None:
    """Let the bank take the charge of a renewal back; another card is kept for the next."""
    charge = Payment.get(Payment.card.is_null(False))
    cents = charge.amount_cents
    state = gateway.DisputeState.LOST
    disputes.settle(
        charge, bank.dispute(charge.checkout, cents, state=state, withdrawn_cents=cents)
    )
    running.charge_to(charge.invoice.group, billing.card(account))


def test_each_query_of_the_check_finds_its_fault(alice: Account, bank: Bank) -> None:
    running.to_renewal(running.delivered(alice, bank))
    billing.credit(billing.invoice_of(billing.delivered(alice, bank)))
    billing.credit(billing.due(alice))
    contested = billing.pay(billing.due(alice), bank)
    disputes.settle(contested, bank.dispute(contested.checkout or "", 500, withdrawn_cents=500))
    taken, cents = billing.pay(billing.due(alice), bank), 10560
    disputes.settle(taken, bank.dispute(taken.checkout or "", cents, withdrawn_cents=cents))
    billing.delivered(alice, bank)
    billing.due(alice)
    billing.pay(billing.due(alice), bank)
    wrong = billing.due(alice)
    billing.pay(wrong, bank)
    corrections.correct(wrong, {"city": "Roubaix"}, "An error.", by="operator")
    period_billing.bill_ahead(Subscription.select().order_by(Subscription.id).get())
    for _ in range(2):
        purchases.place(alice)
    group = LicenceGroup.select().order_by(LicenceGroup.id).get()
    purchases.pay(groups.add(group, 2), bank)
    groups.add(group, 3)
    queue.drain()
    without_vat(alice)
    account_credits.grant_goodwill(alice, 100, "An error.", by="staff:camille")
    billing.due(alice)
    database.execute_sql("UPDATE purchase_order SET vat_code = 'oss:FR'")
    queue.drain()
    lose_the_renewal(alice, bank)
    bank.pay_out(state=gateway.PayoutState.PAID)
    payouts.fetch_payouts()
    queue.drain()
    billing.assert_balanced()
    for sentence, fault in FAULTS.items():
        with database.atomic() as transaction:
            database.execute_sql(fault)
            about = re.compile(re.escape(sentence).replace(r"\{\}", r"[\w-]+"))
            assert [found for found in ledger_proof.find_faults() if about.fullmatch(found)], (
                sentence
            )
            transaction.rollback()
    billing.assert_balanced()
    assert set(FAULTS) == set(ledger_proof.FAULTS)
