"""The invoices of periods: drafted from what a renewal costs, and taken back."""

from __future__ import annotations

from records.accounts import Account
from records.groups import LicenceGroup
from records.invoices import Invoice
from shop.documents import parties
from shop.errors import N_
from shop.invoicing import credit_notes, invoices
from shop.invoicing.invoices import Draft
from shop.pricing import money
from shop.pricing.lines import Position
from shop.subscriptions import subscriptions
from shop.subscriptions.renewal_price import Preview

NOT_WANTED = N_("This month was not wanted after all.")
UNDELIVERED = N_("These licences could not be delivered.")
WITHDRAWN = N_("Withdrawal from the contract within 14 days.")


def issue(due: Preview, *, for_period: bool = True) -> Invoice | None:
    """The invoice of a renewal, in the caller's transaction; None where nothing is to be paid, or
    less than banks take: the last day of a licence that is taken up again, say.

    ``for_period`` makes it the one invoice of its period, whatever else goes wrong: what is
    charged ahead, and may be taken back and charged anew, and what comes on top, is not.
    """
    if due.totals.total_cents < money.LEAST_CENTS:
        return None
    subscription = due.subscription
    account = Account.get_by_id(subscription.account_id)
    group = LicenceGroup.get_by_id(subscription.group_id)
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
            charged_to=subscriptions.card_of(subscription) if for_period else None,
        )
    )


def take_back(invoice: Invoice, *, by: str) -> None:
    """Credit all of an invoice that was not paid, in the caller's transaction."""
    credit_notes.credit(invoice, credit_notes.remaining_of(invoice), NOT_WANTED, by=by)


def credit_some(invoice: Invoice, group: LicenceGroup, quantity: int, *, by: str) -> bool:
    """Credit so many licences of a group that an invoice charged and that were never delivered, in
    the caller's transaction; False where it has not so many left that can be taken off."""
    for position in credit_notes.remaining_of(invoice):
        line = position.line
        # What is charged by the day can only be credited together.
        enough = line.quantity == quantity if line.share else line.quantity >= quantity
        if position.service == group.name and enough:
            part = credit_notes.part_of(position, quantity)
            credit_notes.credit(invoice, (part,), UNDELIVERED, by=by)
            return True
    return False


def refund_unused_days(invoice: Invoice, group: LicenceGroup, *, by: str) -> int:
    """Credit what an invoice charges for a group, in the caller's transaction: how many cents go
    back, VAT included."""
    positions = tuple(
        each for each in credit_notes.remaining_of(invoice) if each.service == group.name
    )
    if not positions:
        return 0
    return int(credit_notes.credit(invoice, positions, WITHDRAWN, by=by).total_cents)
