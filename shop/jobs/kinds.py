"""The follow-ups that one module asks for and a module above it does, with their payloads.

The first imports this module, the second attaches its function here; neither imports the other.
Whatever points downwards is asked for by name instead: ``order_invoices.invoice_order.later(…)``.
Payloads are ids and texts. Renaming a task or a parameter strands the jobs that wait in databases.
"""

from records.invoices import Invoice
from shop.jobs.tasks import declare, signal


@declare
def send_letter(letter: int) -> None:
    """Send a letter. Asked for by `shop.mail.archive`, done by `shop.mail.sending`."""


@declare
def import_seats(seat_import: int, by: str) -> None:
    """Give licences to the people of a file. Asked for by `shop.licences.seats.import_preview`,
    done by `shop.licences.seats.import_job`."""


@declare
def activate_seat(seat: int, version: int, since: str) -> None:
    """Create a holder's account. Asked for by `shop.licences.seats.actions`, done by
    `shop.delivery.seat_jobs`, as are the next three."""


@declare
def update_seat(seat: int, version: int, since: str) -> None:
    """Change the names or the address of a holder's account."""


@declare
def set_seat_password(seat: int, version: int, since: str) -> None:
    """Replace the password of a holder's account."""


@declare
def release_seat(seat: int, version: int, since: str) -> None:
    """Delete a holder's account."""


@declare
def collect_invoice(invoice: int, stage: int) -> None:
    """Charge an invoice to the stored card. Asked for by `shop.invoicing.receivables`, done by
    `shop.subscriptions.dunning`."""


@declare
def refund_credit_note(credit_note: int) -> None:
    """Refund what a credit note took off a paid invoice. Asked for by
    `shop.invoicing.credit_notes`, done by `shop.payments.refunds`."""


@declare
def deliver_order(order: int) -> None:
    """Begin the delivery of a paid order. Asked for by `shop.payments.payables`, done by
    `shop.delivery.installation`, as is the next."""


@declare
def check_delivery(order: int) -> None:
    """Raise the alarm for an order that is not delivered in the time promised."""


@declare
def tell_of_free_end(subscription: int) -> None:
    """Announce the end of a free period. Asked for by `shop.subscriptions.subscriptions`, done by
    `shop.subscriptions.previews`."""


@declare
def end_seats(group: int, day: str, tries: int) -> None:
    """Remove licences whose period is over. Asked for by `shop.subscriptions.period_billing`, done
    by `shop.subscriptions.give_backs`."""


@declare
def delete_tenant(group: int) -> None:
    """Delete a terminated group at the provider. Asked for by `shop.subscriptions.subscriptions`,
    done by `shop.delivery.installation`."""


@declare
def close_addition(order: int) -> None:
    """Cancel an unpaid order of licences for a group that has ended. Asked for by
    `shop.subscriptions.subscriptions`, done by `shop.orders.orders`."""


@declare
def refund_undelivered(order: int) -> None:
    """Refund an order that was not delivered in the period it was paid for. Asked for by
    `shop.delivery.additions`, done by `shop.orders.orders`."""


@declare
def expire_order(order: int) -> None:
    """Close an order that was not paid in time. Asked for by `shop.orders.placing`, done by
    `shop.orders.orders`."""


@signal
def invoice_settled(invoice: Invoice) -> None:
    """An invoice was paid, or credited in full. Sent by `shop.invoicing.invoices`; in the same
    transaction `shop.subscriptions.dunning` resumes what waited for it."""
