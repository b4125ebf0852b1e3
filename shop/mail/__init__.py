"""Letters: one function for each, written with its cause, sent by the worker.

Every letter is stored ("Emails reçus") in the customer's language as text and HTML, in the
transaction of what it tells; the unique key makes it one letter however often that is tried.
"""

from __future__ import annotations

from shop.mail.letters import (
    account_created,
    attach_installed,
    attach_ordered,
    credit_note_issued,
    delivery_failed,
    email_changed,
    email_confirmation,
    export_ready,
    invoice_issued,
    invoice_paid,
    invoice_payment_refunded,
    licence_active,
    licence_for_owner,
    licence_released,
    licences_added,
    order_cancelled,
    order_expired,
    order_placed,
    password_changed,
    password_reset,
    payment_received,
    payment_refunded,
    seat_password_changed,
    second_factor_changed,
    service_installed,
)
from shop.mail.messages import compose
from shop.mail.sending import send_again, send_letter
from shop.mail.storing import (
    attachments_of,
    content_of,
    html_of,
    letters_of,
    reseal,
    search,
    text_of,
)

__all__ = [
    "account_created",
    "attach_installed",
    "attach_ordered",
    "attachments_of",
    "compose",
    "content_of",
    "credit_note_issued",
    "delivery_failed",
    "email_changed",
    "email_confirmation",
    "export_ready",
    "html_of",
    "invoice_issued",
    "invoice_paid",
    "invoice_payment_refunded",
    "letters_of",
    "licence_active",
    "licence_for_owner",
    "licence_released",
    "licences_added",
    "order_cancelled",
    "order_expired",
    "order_placed",
    "password_changed",
    "password_reset",
    "payment_received",
    "payment_refunded",
    "reseal",
    "search",
    "seat_password_changed",
    "second_factor_changed",
    "send_again",
    "send_letter",
    "service_installed",
    "text_of",
]
