"""The invoices of periods: drafted from the price of a renewal, and credited."""

from __future__ import annotations

from records.groups import LicenceGroup
from records.invoices import Invoice
from shop.documents import parties
from shop.errors import N_
from shop.invoicing import credit_notes, invoices
from shop.invoicing.invoices import Draft
from shop.payments import mandates
from shop.pricing import money
from shop.pricing.lines import Position
from shop.subscriptions.renewal_price import Preview

NOT_WANTED = N_("This month was not wanted after all.")
UNDELIVERED = N_("These licences could not be delivered.")
WITHDRAWN = N_("Withdrawal from the contract within 14 days.")


def issue(due: Preview, *, for_period: bool = True) -> Invoice | None:
    """Issue the invoice of a renewal, in the caller's transaction.

    Return None where the amount is zero or less than banks take: the last day of a licence that is
    resumed, for example. ``for_period`` makes it the only invoice of its period, by a unique index;
    invoices issued ahead, which may be credited and issued again, and supplements are not.
    """
    if due.totals.total_cents < money.LEAST_CENTS:
        return None
    subscription = due.subscription
    account, group = subscription.account, subscription.group
    return invoices.issue(
        Draft(
            account=account,
            language=account.language,
            customer=parties.buyer_record(account),
            treatment=due.totals.treatment,
            positions=(Position(due.line, due.period, group.name),),
            due_on=due.period.start,
            group=group,
            period_start=due.period.start if for_period else None,
            charged_to=mandates.card_of(subscription) if for_period else None,
        )
    )


def credit_unwanted(invoice: Invoice, *, by: str) -> None:
    """Credit an unpaid invoice in full, in the caller's transaction."""
    credit_notes.credit(invoice, credit_notes.remaining_of(invoice), NOT_WANTED, by=by)


def credit_undelivered(invoice: Invoice, group: LicenceGroup, quantity: int, *, by: str) -> bool:
    """Credit ``quantity`` licences of a group that an invoice charged and that were not delivered.

    Runs in the caller's transaction. Return False if fewer than that can still be credited.
    """
    for position in credit_notes.remaining_of(invoice):
        line = position.line
        # Licences charged by the day can only be credited together.
        enough = not line.share or line.quantity == quantity
        part = credit_notes.licences_of(invoice, position, quantity) if enough else None
        if position.service == group.name and part is not None:
            credit_notes.credit(invoice, (part,), UNDELIVERED, by=by, by_amount=True)
            return True
    return False


def credit_withdrawn(invoice: Invoice, services: set[str], *, by: str) -> int:
    """Credit all that an invoice charges for some groups; return the cents that go back, with VAT.

    Runs in the caller's transaction.
    """
    positions = tuple(
        each for each in credit_notes.remaining_of(invoice) if each.service in services
    )
    if not positions:
        return 0
    return int(credit_notes.credit(invoice, positions, WITHDRAWN, by=by).refund_cents)
