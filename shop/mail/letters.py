"""The letters the shop writes, one function each; their words stand in ``templates/mail/``."""

from __future__ import annotations

from datetime import date
from typing import Any

from records.accounts import Account
from records.cards import Card
from records.exports import DataExport
from records.groups import Addition, LicenceGroup
from records.invoices import Invoice
from records.orders import Order
from records.payments import Payment
from records.seats import Seat
from shop import clock, documents
from shop.mail.archive import store
from shop.pricing import money, periods
from shop.pricing.lines import lines_of
from shop.security import encryption
from shop.text import templates

# --- The account -----------------------------------------------------------------------------


def account_created(account: Account) -> None:
    """Your nic-handle (guide: sign in with nic-handle and password)."""
    store(account, "account_created", f"account_created:{account.id}")


def password_reset(account: Account, link: str, token: str) -> None:
    """A link to choose a new password; secret, and worth nothing once used."""
    key = f"password_reset:{encryption.digest(token)}"
    store(account, "password_reset", key, is_secret=True, link=link)


def password_changed(account: Account) -> None:
    """The password was changed, in case it was somebody else."""
    changed_at = clock.now()
    key = f"password_changed:{account.id}:{changed_at.isoformat()}"
    store(account, "password_changed", key, changed_at=changed_at)


def email_confirmation(account: Account, address: str, link: str, token: str) -> None:
    """A link for whoever reads the mail of a new ``address``: it counts once it was followed."""
    key = f"email_confirmation:{encryption.digest(token)}"
    store(
        account, "email_confirmation", key, recipient=address, is_secret=True,
        address=address, link=link,
    )  # fmt: skip


def email_changed(account: Account, before: str) -> None:
    """Letters go to another address from now on: told to the old one, ``before``."""
    changed_at = clock.now()
    key = f"email_changed:{account.id}:{changed_at.isoformat()}"
    store(
        account, "email_changed", key, recipient=before,
        changed_at=changed_at, before=before, address=account.email,
    )  # fmt: skip


def second_factor_changed(account: Account, what: str) -> None:
    """The second step of signing in was changed; ``what`` says how, a text of the catalogue."""
    changed_at = clock.now()
    key = f"second_factor:{account.id}:{changed_at.isoformat()}:{encryption.digest(what)[:16]}"
    store(account, "second_factor_changed", key, changed_at=changed_at, what=what)


def export_ready(account: Account, export: DataExport) -> None:
    """The copy of all data is there to be downloaded, until when, by whom."""
    store(account, "export_ready", f"export_ready:{export.id}", expires_at=export.expires_at)


# --- The order -------------------------------------------------------------------------------


def order_placed(order: Order) -> None:
    """The purchase order, attached, and how to pay it."""
    _about_order(
        order, "order_placed", f"order_placed:{order.id}",
        attach=("purchase_order", order.id),
        lines=lines_of(order),
        mention=documents.vat_mention(order, order.account.language),
    )  # fmt: skip


def order_cancelled(order: Order) -> None:
    """The order was cancelled, and nothing is due."""
    _about_order(order, "order_cancelled", f"order_cancelled:{order.id}")


def order_expired(order: Order) -> None:
    """The order was not paid in time, and nothing is due."""
    _about_order(order, "order_expired", f"order_expired:{order.id}")


def payment_received(order: Order, payment: Payment) -> None:
    """The money is here, the installation begins (guide: within a few minutes, up to 4 hours)."""
    _about_order(order, "payment_received", f"payment_received:{order.id}", payment=payment)


def payment_refunded(order: Order, payment: Payment, reason: str) -> None:
    """Money went back in full, and when it shows; ``reason`` is one that the template knows."""
    _about_order(
        order, "payment_refunded", f"payment_refunded:{payment.id}",
        payment=payment, reason=reason,
    )  # fmt: skip


def delivery_failed(order: Order) -> None:
    """The installation did not work out; what happens next."""
    _about_order(order, "delivery_failed", f"delivery_failed:{order.id}:{clock.now().isoformat()}")


def _about_order(order: Order, kind: str, key: str, **values: Any) -> None:
    store(order.account, kind, key, order=order, **values)


def attach_ordered(
    order: Order, *, service: str, line: money.Line, totals: money.Totals, renewal_on: date
) -> None:
    """Office Attach is ordered: a month free, then ``line`` and ``totals`` a month (guide)."""
    _about_order(
        order, "attach_ordered", f"attach_ordered:{order.id}",
        attach=("purchase_order", order.id),
        service=service,
        line=line,
        totals=totals,
        renewal_on=renewal_on,
    )  # fmt: skip


# --- Invoices --------------------------------------------------------------------------------


def invoice_issued(invoice: Invoice, card: Card | None = None) -> None:
    """The invoice, attached: paid already, or what is due and when, and whether it is charged to
    the stored ``card`` by itself."""
    _about_invoice(invoice, "invoice_issued", attach=("invoice", invoice.id), card=card)


def invoice_paid(invoice: Invoice, payment: Payment) -> None:
    """The money for an invoice is here."""
    _about_invoice(invoice, "invoice_paid", payment=payment)


def credit_note_issued(note: Invoice, reason: str) -> None:
    """What is taken back of an invoice, attached, and whether money comes back; why, as one of
    the catalogue's texts or in the operator's words."""
    _about_invoice(
        note, "credit_note_issued",
        attach=("invoice", note.id),
        corrects=note.corrects,
        reason=templates.translate(reason, note.account.language),
    )  # fmt: skip


def invoice_payment_refunded(invoice: Invoice, payment: Payment) -> None:
    """A payment of an invoice that was not due goes back."""
    key = f"invoice_payment_refunded:{payment.id}"
    _about_invoice(invoice, "invoice_payment_refunded", key=key, payment=payment)


def _about_invoice(invoice: Invoice, kind: str, key: str = "", **values: Any) -> None:
    """A letter on an invoice, once of its kind unless ``key`` says otherwise."""
    store(invoice.account, kind, key or f"{kind}:{invoice.id}", invoice=invoice, **values)


# --- Licence groups and licences -------------------------------------------------------------


def service_installed(group: LicenceGroup) -> None:
    """The group is installed (guide: an e-mail is sent once the service is installed)."""
    store(
        group.account, "service_installed", f"service_installed:{group.id}",
        group=group, licences=Seat.select().where(Seat.group == group).count(),
    )  # fmt: skip


def attach_installed(group: LicenceGroup) -> None:
    """The group of Office Attach is installed and its licences are being activated."""
    assert group.installed_at is not None
    store(
        group.account, "attach_installed", f"attach_installed:{group.id}",
        group=group,
        licences=Seat.select().where(Seat.group == group).count(),
        renewal_on=periods.first_period(group.installed_at).end,
    )  # fmt: skip


def licences_added(addition: Addition) -> None:
    """Licences joined a group, and wait to be configured."""
    store(
        addition.group.account, "licences_added", f"licences_added:{addition.id}",
        group=addition.group, licences=addition.line.quantity,
    )  # fmt: skip


def licence_active(
    account: Account, *, group: str, address: str, password: str, portal: str, key: str
) -> None:
    """The credentials of a licence (guide: the e-mail holds those for the site of Office).

    ``group`` is the group's display name, ``address`` is ``login@<group domain>``, ``portal``
    the address of the Office portal; ``key`` names the activation, for one letter each.
    """
    store(
        account, "licence_active", f"licence_active:{key}", is_secret=True,
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
    """The same credentials for ``owner``, whose mailbox is ``recipient``; one letter a ``key``."""
    store(
        account, "licence_for_owner", f"licence_for_owner:{key}", is_secret=True,
        recipient=recipient, addressee=owner, owner=owner,
        customer=account.company or account.full_name,
        group=group, address=address, password=password, portal=portal,
    )  # fmt: skip


def seat_password_changed(
    account: Account, *, group: str, address: str, password: str, portal: str, key: str
) -> None:
    """A licence's new password; ``key`` names the change. See `licence_active`."""
    store(
        account, "seat_password_changed", f"seat_password_changed:{key}", is_secret=True,
        group=group, address=address, password=password, portal=portal,
    )  # fmt: skip


def licence_released(account: Account, *, group: str, address: str, key: str) -> None:
    """A licence is nobody's again and stays paid until the renewal; ``key`` names the release."""
    store(
        account, "licence_released", f"licence_released:{key}",
        group=group, address=address,
    )  # fmt: skip
