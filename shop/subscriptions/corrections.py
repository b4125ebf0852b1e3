"""Corrections: a wrong invoice is credited, and issued again for the same lines and days.

What was paid for it pays the new one: no money moves. Where the VAT was wrong, only the difference
does: it is given back, or still to be paid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from records.accounts import VatStatus
from records.base import database, lock
from records.invoices import Invoice, InvoiceStatus, MovedLoss, MovedPayment
from records.subscriptions import Renewal
from shop import clock, vat
from shop.customers import postal_addresses
from shop.documents import parties
from shop.documents.parties import Buyer
from shop.errors import N_, Conflict, Refusal
from shop.invoicing import credit_notes, invoices, receivables
from shop.invoicing.invoices import Draft
from shop.payments import outcomes, payments, refundables
from shop.pricing import money
from shop.text import names
from shop.vat import PlaceOfSupply, VatTreatment

DETAILS = (
    "company", "siren", "vat_number", "first_name", "last_name", "street", "postcode", "city",
    "country",
)  # fmt: skip
"""The details of the buyer that can be corrected."""

_REQUIRED = {
    "first_name": names.MISSING["first_name"],
    "last_name": names.MISSING["last_name"],
    "street": N_("Enter the address."),
    "city": N_("Enter the city."),
    "country": N_("Choose a country from the list."),
}
"""What is said of details that are missing, by name."""


@dataclass(frozen=True)
class Correction:
    """The credit note for a wrong invoice, and the invoice in its place."""

    credit_note: Invoice
    invoice: Invoice

    @property
    def refunded_cents(self) -> int:
        """The amount that was paid and is not charged any more."""
        return int(self.credit_note.refund_cents)

    @property
    def due_cents(self) -> int:
        """The amount that is still to be paid."""
        return int(self.invoice.balance_cents)

    @property
    def is_rest_due(self) -> bool:
        """Whether only a part is still to be paid: what was paid pays the rest of the invoice."""
        return self.due_cents > 0 and self.invoice.offset_cents > 0

    @property
    def is_collected_later(self) -> bool:
        """Whether what is due is collected when its period begins: the renewal is paid ahead."""
        renewed = receivables.subscription_of(self.invoice)
        return renewed is not None and not receivables.has_begun(self.invoice)


def profile_of(invoice: Invoice) -> dict[str, str]:
    """Return the details of an invoice's customer as they are today."""
    record = parties.buyer_record(invoice.account)
    return {name: record[name] for name in DETAILS}


def correct(invoice: Invoice, details: Mapping[str, str], reason: str, *, by: str) -> Correction:
    """Credit what is left of an invoice, and issue it again with other details of the buyer.

    VAT follows from the details, and from whether the VAT number was confirmed since. ``reason`` is
    printed on both. Raise `Refusal` for details that are missing or wrong or change nothing, for a
    credit note, and for an invoice that is credited or paid in part; `PaymentUnderWay` while a
    payment of it is being confirmed.
    """
    if not reason.strip():
        raise Refusal(N_("Give the reason: the customer is told."), "reason")
    pending = payments.unsettled_payment(invoice)
    if pending is not None:
        outcomes.close_payment(pending)
    with database.atomic():
        row = invoices.lock_with_order(invoice)
        _check_state(row)
        subscription = receivables.subscription_of(row)
        if subscription is not None:
            # Before the number: a transaction that holds the subscription may wait for one.
            subscription = lock(subscription)
        draft = _draft(row, details, reason)
        replacement = invoices.issue(draft)
        # From here on the period is the new invoice's: crediting the old one settles nothing.
        for column in (Renewal.invoice, Renewal.supplement):
            Renewal.update({column: replacement}).where(column == row).execute()
        note = credit_notes.credit(
            row, draft.positions, reason, by=by, offset_cents=draft.offset_cents
        )
        _record_moved(row, replacement, note, draft)
        is_collected = subscription is not None and not subscription.is_suspended
        if is_collected and replacement.is_payable and not draft.offset_cents:
            _collect(replacement)
    return Correction(note, Invoice.get_by_id(replacement.id))


def _record_moved(invoice: Invoice, replacement: Invoice, note: Invoice, draft: Draft) -> None:
    """Record the money that was received for an invoice and pays one that is taxed otherwise: VAT
    returns follow it."""
    before = (invoice.vat_code, invoice.vat_rate)
    if draft.offset_cents and before != (replacement.vat_code, replacement.vat_rate):
        cents = refundables.kept_of(replacement)
        MovedPayment.create(credit_note=note, cents=max(0, cents))
        if cents < 0:
            # The bank holds it for a dispute: it comes back to the new invoice, or is lost.
            MovedLoss.create(credit_note=note, cents=cents, at=clock.now())


def _check_state(invoice: Invoice) -> None:
    if invoice.is_credit_note or invoice.status == InvoiceStatus.REFUNDED:
        raise Conflict(N_("Only an invoice that was not credited can be corrected."))
    if invoice.is_payable and invoice.offset_cents:
        raise Conflict(N_("The rest of this invoice has to be paid before."))


def _draft(invoice: Invoice, details: Mapping[str, str], reason: str) -> Draft:
    """Return the draft of the invoice that replaces another one."""
    customer = dict(invoice.customer) | _checked(invoice, details)
    positions = credit_notes.remaining_of(invoice)
    treatment = _treatment(invoice, customer, positions[0].period.start)
    before = (Buyer.of(invoice.customer), invoice.vat_code, invoice.vat_rate)
    if (Buyer.of(customer), treatment.code, treatment.rate) == before:
        raise Refusal(N_("These details change nothing on the invoice."))
    total = money.totals([each.line for each in positions], treatment).total_cents
    paid = 0 if invoice.is_payable else invoice.total_cents - invoice.credited_cents
    return Draft(
        account=invoice.account,
        language=invoice.language,
        customer=customer,
        treatment=treatment,
        positions=positions,
        due_on=invoice.due_on,
        order=invoice.order,
        group=invoice.group,
        replaces=invoice,
        reason=reason,
        offset_cents=min(paid, total),
    )


def _checked(invoice: Invoice, details: Mapping[str, str]) -> dict[str, str]:
    """Return the details as stored, with all that depends on them checked."""
    given = {name: " ".join(value.split()) for name, value in details.items()}
    new = {name: str(invoice.customer.get(name, "")) for name in DETAILS} | given
    for name, missing in _REQUIRED.items():
        if not new[name]:
            raise Refusal(missing, name)
    if new["country"] not in dict(postal_addresses.countries("en")):
        raise Refusal(N_("Choose a country from the list."), "country")
    new["postcode"] = postal_addresses.check_postcode(new["country"], new["postcode"])
    new["siren"], new["vat_number"] = postal_addresses.check_company(
        new["country"], new["postcode"], new["company"], new["siren"], new["vat_number"]
    )
    return new


def _treatment(invoice: Invoice, customer: Mapping[str, str], day: date) -> VatTreatment:
    """Return the VAT of a sale to a customer: a VAT number counts if it is the account's, and
    confirmed."""
    account, number = invoice.account, customer["vat_number"]
    is_confirmed = account.vat_number == number and account.vat_status == VatStatus.CONFIRMED
    place = PlaceOfSupply(customer["country"], customer["postcode"], number, is_confirmed)
    return vat.treatment_of(place, day)


def _collect(invoice: Invoice) -> None:
    """Have the invoice of a period that has begun charged as the one it replaces was."""
    if receivables.has_begun(invoice):
        receivables.collect(invoice)
