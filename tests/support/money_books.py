"""Any acts on a customer's money, counted beside the shop."""

from __future__ import annotations

import secrets
from contextlib import suppress

from hypothesis import strategies as st

from models import (
    Account,
    AccountCredit,
    CreditUse,
    Dispute,
    Invoice,
    LedgerEntry,
    MoneyAct,
    Payment,
    Refund,
)
from shop import clock, money_acts, vat
from shop.errors import Refusal
from shop.invoicing import account_credits, ledger_proof
from shop.jobs import queue
from shop.money_acts import Wanted
from shop.payments import (
    disputes,
    gateway,
    refund_lists,
    refundables,
    refunds,
    refunds_by_bank,
    taken_back,
)
from shop.subscriptions import corrections
from tests.support import billing
from tests.support.parties import Bank

CAMILLE = "staff:camille"
REASON = "Une erreur de notre part."


def perform(wanted: Wanted, key: str = "", reason: str = REASON) -> MoneyAct:
    """Perform an act by camille, by default as a form of its own."""
    return money_acts.perform(wanted, reason, by=CAMILLE, key=key or secrets.token_hex(8))


def paid(debt: Invoice, cents: int | None = None) -> Wanted:
    """Return the act that records a transfer of today."""
    return money_acts.mark_paid(debt, day=clock.today(), reference="VIR-77", cents=cents)


def balance_of(account: Account) -> int:
    """Return the balance of a customer by the ledger."""
    return sum(row.cents for row in LedgerEntry.select().where(LedgerEntry.account == account))


ACTS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "bill", "bill", "bill", "card", "whole", "part", "amount", "share", "rest",
                "goodwill", "pay_out", "correct", "lose", "refund", "twice", "twice",
                "lose_part", "lose_part", "win", "in_part", "in_part",
            ]
        ),
        st.integers(0, 5),
        st.integers(1, 9_000),
    ),
    min_size=10,
    max_size=16,
)  # fmt: skip


WITHOUT_VAT = vat.treatment_of(vat.PlaceOfSupply("DE", "10117", "DE136695976", vat_confirmed=True))


LOSSES = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "bill", "card", "card", "amount", "amount", "rest", "goodwill", "correct",
                "twice", "in_part", "contest", "contest", "contest", "take", "take", "take",
                "give", "give", "decide_won", "decide_won", "of_itself", "failing", "wait", "wait",
            ]
        ),
        st.integers(0, 5),
        st.integers(1, 9_000),
    ),
    min_size=12,
    max_size=24,
)  # fmt: skip
"""Acts of which most are a bank's: a payment may be contested more than once, and each dispute
decided again and again, wholly or in part."""

OF_AN_INVOICE = {
    "card", "whole", "part", "amount", "share", "rest", "correct", "lose", "lose_part",
}  # fmt: skip


class Books:
    """One customer's money, counted beside the shop: what each act moves, in cents."""

    treatment: vat.VatTreatment | None = None
    """How what is billed from now on is taxed; as in mainland France, by default."""

    def __init__(self, account: Account, bank: Bank) -> None:
        self.account, self.bank, self.owed = account, bank, 0
        self.moved: dict[int, int] = {}
        """The money of wrong invoices that pays the new ones, by the ids of the credit notes."""

    def act(self, name: str, number: int, cents: int) -> None:
        found = list(Invoice.select().where(Invoice.kind == "invoice").order_by(Invoice.id))
        if name in OF_AN_INVOICE:
            if not found:
                return
            getattr(self, name)(found[number % len(found)], cents)
        else:
            getattr(self, name)(number, cents)

    def bill(self, number: int, cents: int) -> None:
        self.owed += billing.due(self.account, number + 1, cents, self.treatment).total_cents

    def card(self, invoice: Invoice, _: int) -> None:
        if invoice.balance_cents >= 50:
            self.owed -= billing.pay(invoice, self.bank).amount_cents

    def whole(self, invoice: Invoice, _: int) -> None:
        self.owed -= perform(paid(invoice)).cents

    def part(self, invoice: Invoice, cents: int) -> None:
        self.owed -= perform(paid(invoice, cents)).cents

    def amount(self, invoice: Invoice, cents: int) -> None:
        self.credited(money_acts.credit(invoice, net_cents=cents))

    def share(self, invoice: Invoice, cents: int) -> None:
        self.credited(money_acts.credit(invoice, percent=cents % 100 + 1))

    def rest(self, invoice: Invoice, _: int) -> None:
        self.credited(money_acts.credit(invoice))

    def credited(self, wanted: Wanted) -> None:
        self.owed -= Invoice.get(Invoice.number == perform(wanted).result).total_cents

    def goodwill(self, _: int, cents: int) -> None:
        self.owed -= perform(money_acts.goodwill(self.account, cents)).cents

    def pay_out(self, number: int, _: int) -> None:
        held = list(account_credits.credits_of(self.account))
        if held:
            chosen = held[number % len(held)]
            wanted = money_acts.pay_out(chosen, day=clock.today(), reference="VIR-1")
            self.owed += perform(wanted).cents

    def correct(self, invoice: Invoice, cents: int) -> None:
        details = {"street": f"{cents} rue Haute"}
        made = corrections.correct(invoice, details, REASON, by=CAMILLE)
        # VAT may differ with the place, and what is left is rounded again.
        self.owed += made.invoice.total_cents - made.credit_note.total_cents
        # What goodwill paid is no money, and what was received for another invoice stays there.
        chain = [invoice]
        while chain[-1].replaces is not None:
            chain.append(chain[-1].replaces)
        # What banks took back, or hold, is not there, and what is to be refunded does not pay.
        payments = Payment.select().where(
            Payment.invoice.in_(chain), Payment.status.in_(["succeeded", "lost"])
        )
        kept = -sum(entry.cents for payment in payments for entry in payment.ledger)
        kept -= sum(
            refundables.RefundableNote(note).left_to_give
            for note in Invoice.select().where(Invoice.corrects.in_(chain), Invoice.status == "due")
        )
        for use in CreditUse.select().where(CreditUse.invoice.in_([*chain, made.invoice])):
            first = use.credit.uses.order_by(CreditUse.id).first().invoice
            if use.credit.kind == "transfer" and first in chain:
                kept += use.cents - use.returned_cents
        self.moved[made.credit_note.id] = max(0, kept)

    def _owed_more(self, number: int, cents: int) -> Invoice:
        """Correct the VAT of an invoice that was paid; return the one of which a rest is owed."""
        wrong = billing.due(self.account, number + 1, cents, WITHOUT_VAT)
        self.owed += wrong.total_cents
        self.card(wrong, 0)
        self.correct(billing.fresh(wrong), cents)
        right: Invoice = Invoice.get(Invoice.replaces == wrong)
        return right

    def twice(self, number: int, cents: int) -> None:
        """Correct the VAT of an invoice that was paid, and have the difference paid, too."""
        right = self._owed_more(number, cents)
        self.card(right, 0)
        if number % 2:
            self.credited(money_acts.credit(billing.fresh(right)))

    def in_part(self, number: int, cents: int) -> None:
        """Correct the VAT of an invoice that was paid, and credit a part while the rest is owed."""
        right = self._owed_more(number, cents)
        if number % 2:
            self.amount(right, cents)
        else:
            self.share(right, cents)

    def lose(self, invoice: Invoice, _: int) -> None:
        payment = Payment.get_or_none(
            Payment.invoice == invoice, Payment.status == "succeeded", Payment.method == "card"
        )
        if payment is None or taken_back.left_of(payment) != payment.amount_cents:
            return
        cents, state = payment.amount_cents, gateway.DisputeState.LOST
        told = self.bank.dispute(payment.checkout, cents, state=state, withdrawn_cents=cents)
        disputes.settle(payment, told)
        self.owed += cents

    def lose_part(self, invoice: Invoice, cents: int) -> None:
        """Have the bank take back a part of a payment for good."""
        payment = Payment.get_or_none(
            Payment.invoice == invoice, Payment.status == "succeeded", Payment.method == "card"
        )
        left = taken_back.refundable_of(payment) if payment is not None else 0
        if payment is None or left < 2 or payment.disputes.exists():
            return
        part, state = min(cents, left - 1), gateway.DisputeState.LOST
        told = self.bank.dispute(payment.checkout, part, state=state, withdrawn_cents=part)
        disputes.settle(payment, told)
        self.owed += part

    def win(self, number: int, _: int) -> None:
        """Have the bank decide again, and give back what it took."""
        lost = list(Dispute.select().where(Dispute.status == "lost").order_by(Dispute.id))
        if lost:
            row = lost[number % len(lost)]
            told = self.bank.dispute(
                row.payment.checkout or "", row.cents, state=gateway.DisputeState.WON
            )
            self.owed -= row.withdrawn_cents
            disputes.settle(row.payment, told)

    def contest(self, number: int, cents: int) -> None:
        """Have a cardholder contest what is left of a payment, or a part; the bank takes it."""
        taken = Payment.select().where(
            Payment.method == "card", Payment.status.in_(["succeeded", "refund_due", "lost"])
        )
        found = [row for row in taken.order_by(Payment.id) if taken_back.left_of(row) > 1]
        if found:
            payment = found[number % len(found)]
            left = taken_back.left_of(payment)
            part = left if cents % 2 else min(cents, left)
            reference = f"dispute-{Dispute.select().count() + 1}"
            told = gateway.Dispute(reference, payment.checkout or "", part, withdrawn_cents=part)
            self.tell(told)

    def take(self, number: int, cents: int) -> None:
        """Have the bank decide a dispute for the cardholder, of all or of a part."""
        for row in self.chosen(number):
            most = row.withdrawn_cents + max(0, taken_back.left_of(row.payment))
            part = min(most, row.cents if cents % 3 else cents)
            self.decide(row, gateway.DisputeState.LOST, part)

    def give(self, number: int, cents: int) -> None:
        """Have the bank give back a part of what it took, and say nothing else."""
        for row in self.chosen(number):
            state = gateway.DisputeState(row.status)
            self.decide(row, state, max(0, row.withdrawn_cents - cents))

    def decide_won(self, number: int, _: int) -> None:
        """Have the bank decide a dispute for the shop, and give everything back."""
        for row in self.chosen(number):
            self.decide(row, gateway.DisputeState.WON, 0)

    def chosen(self, number: int) -> list[Dispute]:
        found = list(Dispute.select().order_by(Dispute.id))
        return [found[number % len(found)]] if found else []

    def decide(self, row: Dispute, state: gateway.DisputeState, withdrawn: int) -> None:
        told = gateway.Dispute(
            row.reference, row.payment.checkout or "", row.cents, state, withdrawn_cents=withdrawn
        )
        self.tell(told)

    def tell(self, told: gateway.Dispute) -> None:
        """Let the shop hear of a dispute, twice; count what was taken, or given back."""
        before = Dispute.get_or_none(Dispute.reference == told.reference)
        self.owed += told.withdrawn_cents - (before.withdrawn_cents if before else 0)
        self.bank.disputes[told.reference] = told
        for _ in range(2):
            disputes.apply_notified(told)

    def of_itself(self, number: int, cents: int) -> None:
        """Have the bank refund a part of a payment on its own, and the staff explain it."""
        found = [
            row
            for row in Payment.select().where(
                Payment.method == "card", Payment.status == "succeeded"
            )
            if taken_back.refundable_of(row) > 1 and not taken_back.is_contested(row)
        ]
        if found:
            payment = found[number % len(found)]
            part = min(cents, taken_back.refundable_of(payment) - 1)
            refunds_by_bank.apply_notified(self.bank.refund_of_itself(payment.checkout or "", part))
            refunds_by_bank.explain(
                Refund.get(Refund.origin == "bank", Refund.explanation == ""), by=CAMILLE, text="x"
            )

    def failing(self, number: int, _: int) -> None:
        """Have the bank fail to make refunds, or make them, also those that failed."""
        self.bank.refunding = gateway.RefundState.FAILED
        if number % 2:
            self.bank.refunding = gateway.RefundState.SUCCEEDED
            self.ask_again()

    def ask_again(self) -> None:
        """Ask again for each refund that failed, and give back by transfer what cannot be."""
        self.bank.refunding = gateway.RefundState.SUCCEEDED
        for row in list(refund_lists.failed()):
            refundable = refundables.of_refund(row)
            if refundable.is_due and refundable.has_failed:
                with suppress(Refusal):
                    refunds.ask_again(refundable, by=CAMILLE)

    def wait(self, _number: int, _cents: int) -> None:
        """Change nothing: time passes."""

    def refund(self, number: int, _: int) -> None:
        """Give back by transfer what a credit note says, and drain what the bank gives back."""
        due = list(Invoice.select().where(Invoice.kind == "credit_note", Invoice.status == "due"))
        if due:
            note = due[number % len(due)]
            wanted = money_acts.mark_refunded(note, day=clock.today(), reference="VIR-2")
            perform(wanted)

    def check(self) -> None:
        queue.drain()
        assert list(ledger_proof.find_faults()) == []
        moved = LedgerEntry.select().where(LedgerEntry.kind.in_(["refunded", "returned"]))
        assert balance_of(self.account) == self.owed + sum(row.cents for row in moved)
        left = sum(use.cents - use.returned_cents for use in CreditUse.select())
        assert left == sum(credit.used_cents for credit in AccountCredit.select())
