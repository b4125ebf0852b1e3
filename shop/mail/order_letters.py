"""The e-mails of the shop, one function for each kind; their texts are in ``templates/mail/``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from peewee import ModelSelect

from records.account_credits import AccountCredit
from records.accounts import Account
from records.cards import Card
from records.catalogue import Contract
from records.disputes import Dispute
from records.exports import DataExport
from records.groups import Addition, LicenceGroup
from records.imports import SeatImport
from records.invoices import Invoice, InvoiceKind
from records.letters import DocumentKind, LetterKind
from records.orders import Order
from records.payments import Payment
from records.refunds import Refund
from records.seats import Seat
from shop import clock, documents, settings
from shop.licences.parts import parts_of
from shop.mail.archive import store_letter
from shop.mail.links import Links
from shop.pricing import money, periods
from shop.pricing.lines import lines_of
from shop.security import encryption
from shop.sql.prepared import prepared
from shop.text import templates

# --- The account -----------------------------------------------------------------------------


def account_created(account: Account) -> None:
    """Tell a new customer their nic-handle (guide: sign in with nic-handle and password)."""
    store_letter(account, LetterKind.ACCOUNT_CREATED, f"account_created:{account.id}")


def account_closed(account: Account, kept: Sequence[tuple[str, str]]) -> None:
    """Confirm that an account was closed; ``kept`` says what stays of it and why (``msgid``)."""
    told = [[templates.translate(each, account.language) for each in pair] for pair in kept]
    store_letter(
        account,
        LetterKind.ACCOUNT_CLOSED,
        f"account_closed:{account.id}",
        closed_at=clock.now(),
        kept=told,
    )


def account_ending(account: Account, ends_on: date) -> None:
    """Tell that an account without a service for five years ends on a day, and how to keep it."""
    key = f"account_ending:{account.id}:{ends_on.isoformat()}"
    store_letter(account, LetterKind.ACCOUNT_ENDING, key, ends_on=ends_on)


def contract_change(account: Account, contract: Contract, applies_on: date) -> None:
    """Announce a new version of a contract, 30 days before it applies to the customer."""
    key = f"contract_change:{account.id}:{contract.kind}:{contract.version}"
    store_letter(account, LetterKind.CONTRACT_CHANGE, key, contract=contract, applies_on=applies_on)


def announcement(account: Account, notice: int, text: str) -> None:
    """Send an announcement that the customer's pages show."""
    store_letter(account, LetterKind.ANNOUNCEMENT, f"announcement:{notice}:{account.id}", text=text)


def email_proof(account: Account, token: str) -> None:
    """Send the link that proves a new account's address: the only e-mail before it is followed.

    It holds no text of the customer's: anyone may have registered with this address.
    """
    link = Links(settings.current().public_url, account.language).email_proof(token)
    key = f"email_proof:{encryption.digest(token)}"
    store_letter(account, LetterKind.EMAIL_PROOF, key, is_secret=True, link=link, nameless=True)


def password_reset(account: Account, link: str, token: str) -> None:
    """Send a one-time link for a new password; stored encrypted."""
    key = f"password_reset:{encryption.digest(token)}"
    store_letter(account, LetterKind.PASSWORD_RESET, key, is_secret=True, link=link)


def password_changed(account: Account) -> None:
    """Report a changed password, in case the customer did not change it."""
    changed_at = clock.now()
    key = f"password_changed:{account.id}:{changed_at.isoformat()}"
    store_letter(account, LetterKind.PASSWORD_CHANGED, key, changed_at=changed_at)


def email_confirmation(account: Account, address: str, link: str, token: str) -> None:
    """Send a confirmation link to a new e-mail ``address``, effective once it is followed."""
    key = f"email_confirmation:{encryption.digest(token)}"
    store_letter(
        account, LetterKind.EMAIL_CONFIRMATION, key, recipient=address, is_secret=True,
        address=address, link=link, nameless=True,
    )  # fmt: skip


def email_changed(account: Account, before: str) -> None:
    """Tell the old e-mail address, ``before``, that e-mails now go to another one."""
    changed_at = clock.now()
    key = f"email_changed:{account.id}:{changed_at.isoformat()}"
    store_letter(
        account, LetterKind.EMAIL_CHANGED, key, recipient=before,
        changed_at=changed_at, before=before, address=account.email,
    )  # fmt: skip


def second_factor_changed(account: Account, what: str) -> None:
    """Report a change of two-factor sign-in; ``what`` is a ``msgid`` that describes it."""
    changed_at = clock.now()
    key = f"second_factor:{account.id}:{changed_at.isoformat()}:{encryption.digest(what)[:16]}"
    store_letter(account, LetterKind.SECOND_FACTOR_CHANGED, key, changed_at=changed_at, what=what)


def export_ready(account: Account, export: DataExport) -> None:
    """Announce that the data export can be downloaded, and until when."""
    store_letter(
        account, LetterKind.EXPORT_READY, f"export_ready:{export.id}", expires_at=export.expires_at
    )


# --- The order -------------------------------------------------------------------------------


def order_placed(order: Order) -> None:
    """Confirm an order, with the purchase order and the contracts, and how to pay it."""
    _about_order(
        order, LetterKind.ORDER_PLACED, f"order_placed:{order.id}",
        attach=documents.of_order(order),
        lines=lines_of(order),
        mention=documents.vat_mention(order, order.account.language),
    )  # fmt: skip


def order_cancelled(order: Order) -> None:
    """Report a cancelled order; nothing is due."""
    _about_order(order, LetterKind.ORDER_CANCELLED, f"order_cancelled:{order.id}")


def order_expired(order: Order) -> None:
    """Report an order that was not paid in time; nothing is due."""
    _about_order(order, LetterKind.ORDER_EXPIRED, f"order_expired:{order.id}")


def payment_received(order: Order, payment: Payment) -> None:
    """Confirm a payment: the installation starts (guide: a few minutes, up to 4 hours)."""
    _about_order(
        order, LetterKind.PAYMENT_RECEIVED, f"payment_received:{order.id}", payment=payment
    )


def payment_refunded(order: Order, payment: Payment, refund: Refund, reason: str) -> None:
    """Report a full refund and when it arrives; ``reason`` is one that the template knows."""
    _about_order(
        order, LetterKind.PAYMENT_REFUNDED, f"payment_refunded:{payment.id}:{refund.id}",
        payment=payment, refund=refund, reason=reason,
    )  # fmt: skip


def rest_refunded(order: Order, payment: Payment, refund: Refund) -> None:
    """Report the refund of what is not charged of an order, and what was delivered of it."""
    _about_order(
        order, LetterKind.REST_REFUNDED, f"rest_refunded:{payment.id}:{refund.id}",
        refund=refund, parts=parts_of(order),
    )  # fmt: skip


def delivery_failed(order: Order, refunded_at: datetime) -> None:
    """Report what could not be installed and what happens next: the refund, at the latest."""
    _about_order(
        order, LetterKind.DELIVERY_FAILED, f"delivery_failed:{order.id}:{clock.now().isoformat()}",
        refunded_at=refunded_at, parts=parts_of(order),
    )  # fmt: skip


def _about_order(order: Order, kind: LetterKind, key: str, **values: Any) -> None:
    store_letter(order.account, kind, key, order=order, **values)


def attach_ordered(
    order: Order, *, service: str, line: money.Line, totals: money.Totals, renewal_on: date
) -> None:
    """Confirm an order of Office Attach: a free month, then ``line`` and ``totals`` monthly."""
    _about_order(
        order, LetterKind.ATTACH_ORDERED, f"attach_ordered:{order.id}",
        attach=documents.of_order(order),
        service=service,
        line=line,
        totals=totals,
        renewal_on=renewal_on,
    )  # fmt: skip


# --- Invoices --------------------------------------------------------------------------------


def invoice_issued(invoice: Invoice, card: Card | None = None) -> None:
    """Send an invoice as attachment: already paid, or the amount due, its date, and the stored
    ``card`` that will be charged."""
    _about_invoice(
        invoice, LetterKind.INVOICE_ISSUED, attach=[(DocumentKind.INVOICE, invoice.id)], card=card
    )


def invoice_paid(invoice: Invoice, payment: Payment) -> None:
    """Confirm the payment of an invoice."""
    _about_invoice(invoice, LetterKind.INVOICE_PAID, payment=payment)


def part_payment_received(invoice: Invoice, credit: AccountCredit) -> None:
    """Confirm a transfer that pays a part of an invoice, and say what is still owed."""
    key = f"part_payment_received:{credit.id}"
    _about_invoice(invoice, LetterKind.PART_PAYMENT_RECEIVED, key=key, credit=credit)


def goodwill_granted(credit: AccountCredit, available_cents: int) -> None:
    """Tell a customer of an amount that their next invoice uses, and why."""
    store_letter(
        credit.account, LetterKind.GOODWILL_GRANTED, f"goodwill_granted:{credit.id}",
        credit=credit, available_cents=available_cents,
    )  # fmt: skip


def credit_note_issued(note: Invoice, reason: str) -> None:
    """Send a credit note as attachment, and whether money is refunded; ``reason`` is a ``msgid`` or
    the operator's text."""
    _about_invoice(
        note, LetterKind.CREDIT_NOTE_ISSUED,
        attach=[(DocumentKind.INVOICE, note.id)],
        corrects=note.corrects,
        reason=templates.translate(reason, note.account.language),
    )  # fmt: skip


def invoice_payment_refunded(invoice: Invoice, payment: Payment, refund: Refund) -> None:
    """Report the refund of a payment for an invoice that was not due."""
    key = f"invoice_payment_refunded:{payment.id}:{refund.id}"
    _about_invoice(
        invoice, LetterKind.INVOICE_PAYMENT_REFUNDED, key=key, payment=payment, refund=refund
    )


def credit_note_refunded(note: Invoice, refund: Refund) -> None:
    """Report that the money of a credit note was given back, by transfer or after a failure."""
    key = f"credit_note_refunded:{refund.id}"
    _about_invoice(note, LetterKind.CREDIT_NOTE_REFUNDED, key=key, refund=refund)


def refunded_by_bank(refund: Refund) -> None:
    """Report a refund that was made in the bank's dashboard."""
    payment = refund.payment
    store_letter(
        payment.account, LetterKind.REFUNDED_BY_BANK, f"refunded_by_bank:{refund.id}",
        refund=refund, order=payment.order, invoice=payment.invoice,
    )  # fmt: skip


def payment_disputed(dispute: Dispute, card: Card | None) -> None:
    """Tell that the bank reports a payment as contested, and that its ``card`` is not charged."""
    payment = dispute.payment
    store_letter(
        payment.account, LetterKind.PAYMENT_DISPUTED, f"payment_disputed:{dispute.id}",
        dispute=dispute, payment=payment, card=card, order=payment.order, invoice=payment.invoice,
    )  # fmt: skip


def dispute_lost(
    dispute: Dispute, owed_cents: int, *, card: Card | None = None,
    pay_before: date | None = None, charged_on: datetime | None = None,
) -> None:  # fmt: skip
    """Tell that the bank took a payment back for good, and what of it is owed again.

    A service is suspended unless that is paid before a day; ``card``, another one that the customer
    chose for the service, is charged with it on ``charged_on``.
    """
    payment = dispute.payment
    store_letter(
        payment.account, LetterKind.DISPUTE_LOST, f"dispute_lost:{dispute.id}",
        dispute=dispute, owed_cents=owed_cents, order=payment.order, invoice=_invoice_of(payment),
        card=card, pay_before=pay_before, charged_on=charged_on,
    )  # fmt: skip


def _invoice_of(payment: Payment) -> Invoice | None:
    """Return the invoice that a payment is for, also that of its order."""
    if payment.invoice is not None:
        return payment.invoice
    of_order = (Invoice.order == payment.order_id) & (Invoice.kind == InvoiceKind.INVOICE)
    found: Invoice | None = Invoice.select().where(of_order).order_by(Invoice.id.desc()).first()
    return found


def card_removed(card: Card) -> None:
    """Tell that the bank removed a stored card, so that renewals need another one."""
    store_letter(card.account, LetterKind.CARD_REMOVED, f"card_removed:{card.id}", card=card)


def card_withdrawn(card: Card, services: list[str]) -> None:
    """Confirm that the customer removed a card, and name the services that were charged to it."""
    store_letter(
        card.account,
        LetterKind.CARD_WITHDRAWN,
        f"card_withdrawn:{card.id}",
        card=card,
        services=services,
    )


def card_expiring(card: Card, services: list[str], *, is_last: bool) -> None:
    """Tell that a card expires, the day before (``is_last``) or earlier, and which services are
    charged to it."""
    key = f"card_expiring:{card.id}:{card.valid_until.isoformat()}:{1 if is_last else 7}"
    store_letter(
        card.account, LetterKind.CARD_EXPIRING, key,
        card=card, services=services, expires_on=card.valid_until,
    )  # fmt: skip


def refund_failed(refund: Refund) -> None:
    """Report that the bank did not make a refund, or sent it back, and what happens next."""
    payment, note = refund.payment, refund.credit_note
    store_letter(
        payment.account, LetterKind.REFUND_FAILED, f"refund_failed:{refund.id}",
        refund=refund, payment=payment, order=payment.order, invoice=note or payment.invoice,
    )  # fmt: skip


def _about_invoice(invoice: Invoice, kind: LetterKind, key: str = "", **values: Any) -> None:
    """Store an e-mail about an invoice, one of each kind unless ``key`` is given."""
    store_letter(invoice.account, kind, key or f"{kind}:{invoice.id}", invoice=invoice, **values)


# --- Licence groups and licences -------------------------------------------------------------


def service_installed(group: LicenceGroup) -> None:
    """Announce that the group is installed (guide: an e-mail after the installation)."""
    store_letter(
        group.account, LetterKind.SERVICE_INSTALLED, f"service_installed:{group.id}",
        group=group, licences=_seats_of.count(group),
    )  # fmt: skip


@prepared
def _seats_of(group: LicenceGroup) -> ModelSelect[Seat]:
    return Seat.select().where(Seat.group == group)


def attach_installed(group: LicenceGroup) -> None:
    """Announce that the Office Attach group is installed; its licences are being activated."""
    assert group.installed_at is not None
    store_letter(
        group.account, LetterKind.ATTACH_INSTALLED, f"attach_installed:{group.id}",
        group=group,
        licences=Seat.select().where(Seat.group == group).count(),
        renewal_on=periods.first_period(group.installed_at).end,
    )  # fmt: skip


def licences_added(addition: Addition) -> None:
    """Announce licences added to a group, ready to be configured."""
    store_letter(
        addition.group.account, LetterKind.LICENCES_ADDED, f"licences_added:{addition.id}",
        group=addition.group, licences=addition.line.quantity,
    )  # fmt: skip


def licence_active(
    account: Account, *, group: str, address: str, password: str, portal: str, key: str
) -> None:
    """Send the credentials of a licence (guide: the e-mail contains those for the Office site).

    ``group`` is the group's display name, ``address`` is ``login@<group domain>``, ``portal``
    the URL of the Office portal; ``key`` identifies the activation: one e-mail for each.
    """
    store_letter(
        account, LetterKind.LICENCE_ACTIVE, f"licence_active:{key}", is_secret=True,
        group=group, address=address, password=password, portal=portal,
    )  # fmt: skip


def licence_for_owner(
    account: Account,
    *,
    recipient: str,
    owner: str,
    group: str,
    address: str,
    password: str,
    portal: str,
    key: str,
) -> None:
    """Send the credentials to ``owner``, whose mailbox is ``recipient``; one e-mail per ``key``."""
    store_letter(
        account, LetterKind.LICENCE_FOR_OWNER, f"licence_for_owner:{key}", is_secret=True,
        recipient=recipient, addressee=owner, owner=owner,
        customer=account.company or account.full_name,
        group=group, address=address, password=password, portal=portal,
    )  # fmt: skip


def licence_link(
    account: Account, *, recipient: str, address: str, token: str, until: datetime, key: str
) -> None:
    """Send the link that shows a licence's password once, to a person whose address nobody proved.

    It says nothing that the customer wrote but the login in ``address``. One e-mail per ``key``.
    """
    store_letter(
        account,
        LetterKind.LICENCE_LINK,
        f"licence_link:{key}",
        is_secret=True,
        recipient=recipient,
        nameless=True,
        is_to_stranger=True,
        address=address,
        token=token,
        until=until,
    )


def passwords_ready(made: SeatImport, *, kept: int, sent: int) -> None:
    """Say that the passwords of a file of people, or of a selection, can be downloaded.

    ``kept`` is their number, ``sent`` that of the links sent to the persons.
    """
    store_letter(
        made.group.account, LetterKind.PASSWORDS_READY, f"passwords_ready:{made.id}",
        made=made, group=made.group.display_name, kept=kept, sent=sent,
    )  # fmt: skip


def seat_password_changed(
    account: Account, *, group: str, address: str, password: str, portal: str, key: str
) -> None:
    """Send a licence's new password; ``key`` identifies the change. See `licence_active`."""
    store_letter(
        account, LetterKind.SEAT_PASSWORD_CHANGED, f"seat_password_changed:{key}", is_secret=True,
        group=group, address=address, password=password, portal=portal,
    )  # fmt: skip


def licence_released(account: Account, *, group: str, address: str, key: str) -> None:
    """Report a released licence, paid until the renewal; ``key`` identifies the release."""
    store_letter(
        account, LetterKind.LICENCE_RELEASED, f"licence_released:{key}",
        group=group, address=address,
    )  # fmt: skip
