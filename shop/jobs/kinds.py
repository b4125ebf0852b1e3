"""Tasks that a lower module queues and a higher module handles, with their payloads.

The lower module imports the task from here, the higher module attaches its handler to it; neither
imports the other. Where the handler's module may be imported, its task is used directly:
``order_invoices.invoice_order.later(…)``. Payloads are ids and texts. Jobs already queued in a
database refer to a task and its parameters by name, so neither may be renamed.
"""

from records.invoices import Invoice
from shop.jobs.tasks import declare, signal


@declare
def send_letter(letter: int) -> None:
    """Send an e-mail. Queued by `shop.mail.archive`, handled by `shop.mail.sending`."""


@declare
def send_staff_letter(letter: int) -> None:
    """Send an e-mail to a member of staff. Queued by `shop.mail.archive`, handled by
    `shop.mail.sending`."""


@declare
def release_letters(account: int) -> None:
    """Send the e-mails that waited for a proved address. Queued by
    `shop.customers.email_proofs`, handled by `shop.mail.sending`."""


@declare
def import_seats(seat_import: int, by: str) -> None:
    """Assign licences to the users in a CSV file. Queued by `shop.licences.seats.import_preview`,
    handled by `shop.licences.seats.import_job`."""


@declare
def act_on_seats(seat_import: int, by: str) -> None:
    """Release the seats of a selection, or replace their passwords. Queued by
    `shop.licences.seats.import_preview`, handled by `shop.licences.seats.selection_job`."""


@declare
def give_seats_back(seat_import: int, by: str) -> None:
    """Give the seats of a selection back. Queued by `shop.licences.seats.import_preview`, handled
    by `shop.subscriptions.give_back_selections`."""


@declare
def tell_of_passwords(seat_import: int) -> None:
    """Send one e-mail about all passwords of a file or a selection. Queued by
    `shop.licences.seats.line_jobs`, handled by `shop.delivery.passwords_of_files`."""


@declare
def activate_seat(seat: int, version: int, since: str) -> None:
    """Create a licence holder's account at the provider. Queued by `shop.licences.seats.actions`,
    handled by `shop.delivery.seat_jobs`, as are the next three."""


@declare
def update_seat(seat: int, version: int, since: str) -> None:
    """Change the names or the e-mail address of a holder's account."""


@declare
def set_seat_password(seat: int, version: int, since: str) -> None:
    """Replace the password of a holder's account."""


@declare
def release_seat(seat: int, version: int, since: str) -> None:
    """Delete a holder's account."""


@declare
def collect_invoice(invoice: int, stage: int) -> None:
    """Charge an invoice to the stored card. Queued by `shop.invoicing.receivables`, handled by
    `shop.subscriptions.dunning`."""


@declare
def refund_credit_note(credit_note: int) -> None:
    """Refund the amount of a credit note for a paid invoice. Queued by
    `shop.invoicing.credit_notes`, handled by `shop.payments.refunds`."""


@declare
def refund_payment(payment: int) -> None:
    """Refund a payment, or the part of it that its order's invoice does not charge. Queued by
    `shop.invoicing.order_invoices`, handled by `shop.payments.refunds`."""


@declare
def deliver_order(order: int) -> None:
    """Start the delivery of a paid order. Queued by `shop.payments.payables`, handled by
    `shop.delivery.installation`, as is the next."""


@declare
def check_delivery(order: int) -> None:
    """Alert the operator if an order is not delivered within the promised time."""


@declare
def tell_of_free_end(subscription: int) -> None:
    """Send the e-mail that announces the end of a free period. Queued by
    `shop.subscriptions.subscriptions`, handled by `shop.subscriptions.renewal_notices`."""


@declare
def end_seats(group: int, day: str, tries: int) -> None:
    """Remove licences whose period is over. Queued by `shop.subscriptions.period_billing`, handled
    by `shop.subscriptions.give_backs`."""


@declare
def end_withdrawn_seats(order: int, tries: int) -> None:
    """Remove the licences of an order that its consumer withdrew from. Queued by
    `shop.subscriptions.withdrawn`, handled by `shop.subscriptions.give_backs`."""


@declare
def delete_tenant(group: int) -> None:
    """Delete a terminated group at the provider. Queued by `shop.subscriptions.subscriptions`,
    handled by `shop.delivery.installation`."""


@declare
def close_addition(order: int) -> None:
    """Cancel an unpaid order of licences for a group that has ended or is suspended. Queued by
    `shop.subscriptions.subscriptions`, handled by `shop.orders.orders`."""


@declare
def refund_undelivered(order: int) -> None:
    """Refund what was not delivered of an order whose delivery failed. Queued by
    `shop.delivery.progress`, handled by `shop.orders.orders`."""


@declare
def expire_order(order: int) -> None:
    """Close an order that was not paid in time. Queued by `shop.orders.placing`, handled by
    `shop.orders.orders`."""


@declare
def announce_contracts() -> None:
    """Announce new versions of contracts. Queued by `shop.subscriptions.renewals`, handled by
    `shop.orders.contracts.announcements`."""


@declare
def delete_personal_data() -> None:
    """Delete personal data kept long enough. Queued by `shop.subscriptions.renewals`, handled by
    `shop.personal_data.retention`."""


@signal
def invoice_settled(invoice: Invoice) -> None:
    """An invoice was paid, or credited in full. Sent by `shop.invoicing.invoices`; received in the
    same transaction by `shop.subscriptions.dunning`, which resumes a suspended group."""


@signal
def invoice_reopened(invoice: Invoice) -> None:
    """A paid invoice is owed again. Sent by `shop.invoicing.invoices`; received in the same
    transaction by `shop.subscriptions.dunning`, which collects it again."""
