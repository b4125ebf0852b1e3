"""Any acts on a customer's money, counted beside the shop."""

from __future__ import annotations

import secrets

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
)
from shop import clock, money_acts, vat
from shop.invoicing import account_credits, invoices, ledger_proof, lost_parts
from shop.jobs import queue
from shop.money_acts import Wanted
from shop.payments import disputes, gateway, taken_back
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
                "lose_part", "lose_part", "win",
            ]
        ),
        st.integers(0, 5),
        st.integers(1, 9_000),
    ),
    min_size=10,
    max_size=16,
)  # fmt: skip


WITHOUT_VAT = vat.treatment_of(vat.PlaceOfSupply("DE", "10117", "DE136695976", vat_confirmed=True))


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
        if name not in {"bill", "goodwill", "pay_out", "refund", "twice", "win"}:
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
        kept = min(made.credit_note.kept_cents, made.invoice.total_cents)
        for use in CreditUse.select().where(CreditUse.invoice.in_(chain)):
            first = use.credit.uses.order_by(CreditUse.id).first().invoice
            if use.credit.kind == "goodwill" or first not in chain:
                kept -= use.cents - use.returned_cents
        self.moved[made.credit_note.id] = kept

    def twice(self, number: int, cents: int) -> None:
        """Correct the VAT of an invoice that was paid, and have the difference paid, too."""
        wrong = billing.due(self.account, number + 1, cents, WITHOUT_VAT)
        self.owed += wrong.total_cents
        self.card(wrong, 0)
        self.correct(billing.fresh(wrong), cents)
        right = Invoice.get(Invoice.replaces == wrong)
        self.card(right, 0)
        if number % 2:
            self.credited(money_acts.credit(billing.fresh(right)))

    def lose(self, invoice: Invoice, _: int) -> None:
        payment = Payment.get_or_none(
            Payment.invoice == invoice, Payment.status == "succeeded", Payment.method == "card"
        )
        if payment is None or taken_back.left_of(payment) != payment.amount_cents:
            return
        if lost_parts.kept_for(invoices.latest_in_place_of(invoice)).count() > 1:
            return  # What is owed again then is not decided yet.
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
