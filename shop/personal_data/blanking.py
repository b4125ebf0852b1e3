"""Take what tells of a person out of rows that stay, and delete those that need not stay."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from peewee import fn

from records.account_credits import AccountCredit
from records.accounts import Account, OneTimeLink, RateCount, Session, VatStatus
from records.base import database
from records.batches import in_batches
from records.card_setups import CardSetup
from records.cards import Card
from records.events import Event
from records.exchange import Attach, AttachedAccount, ExchangeAccount, ExchangeService, MailboxKind
from records.exports import DataExport
from records.groups import LicenceGroup
from records.handovers import Handover
from records.imports import SeatImport, SeatImportLine
from records.invoices import Invoice, InvoiceFile
from records.jobs import Job, JobStatus
from records.letters import Attachment, Letter, LetterKind, LetterStatus, StoredLetter
from records.money_acts import MoneyAct
from records.notes import CustomerNote
from records.orders import Acceptance, Order, OrderLine
from records.payments import UNSETTLED, Payment
from records.seats import Seat, SeatKey
from records.security import AccountEvent, Authenticator, KnownOrigin, Passkey, RecoveryCode
from records.staff import StaffAct
from records.subscriptions import Subscription, SubscriptionStatus
from records.terminations import Termination
from records.vat import PlaceProof, VatCheck
from records.viewings import Viewing
from shop import clock, transitions
from shop.customers import passwords
from shop.customers import search_keys as account_keys
from shop.errors import N_
from shop.licences import group_keys
from shop.licences.seats import search_keys
from shop.payments import mandates
from shop.text.folding import fold
from shop.text.templates import translate

BY = "shop"

NO_REASON = "—"
"""Stands where a reason was deleted, which must not be empty."""

GONE = "erased.invalid"
"""A domain that no mail server has (RFC 2606), where a column needs an address."""

EMPTIED = N_("Email whose content was deleted")
"""The subject of an e-mail that told of a person."""

ABOUT_SEATS = (
    LetterKind.LICENCE_ACTIVE,
    LetterKind.LICENCE_RELEASED,
    LetterKind.SEAT_PASSWORD_CHANGED,
    LetterKind.LICENCE_FOR_OWNER,
    LetterKind.LICENCE_LINK,
)
"""Kinds of e-mails about one licence: their keys hold the number of its row."""


# --- Licence holders -------------------------------------------------------------------------


def blank_people(group: LicenceGroup) -> None:
    """Delete the names of the holders of an ended group's licences; its usage stays."""
    with database.atomic():
        seats: Any = Seat.select(Seat.id).where(Seat.group == group)
        SeatKey.delete().where(SeatKey.group == group).execute()
        Handover.delete().where(Handover.seat.in_(seats)).execute()
        Seat.update(
            first_name="", last_name="", login=None, login_key=None, reference="", error="",
            **search_keys.UNCONFIGURED_SORT_COLUMNS,
        ).where(Seat.group == group).execute()  # fmt: skip
        _forget_notes((Event.subject == Seat.event_subject) & Event.subject_id.in_(seats))
        forget_in_history(group.id)
        imports = SeatImport.select(SeatImport.id).where(SeatImport.group == group)
        SeatImportLine.delete().where(SeatImportLine.seat_import.in_(imports)).execute()
        SeatImport.update(filename="").where(SeatImport.group == group).execute()
        attached = AttachedAccount.select(AttachedAccount.id, AttachedAccount.number).where(
            AttachedAccount.attach.in_(
                Attach.select(Attach.id).join(
                    OrderLine, on=(OrderLine.order == Attach.order)
                ).where(OrderLine.id == group.line_id)
            )
        )  # fmt: skip
        owners = {row.id for row in attached}
        _blank_attached(attached)
        numbers = {row.id for row in seats}
        _empty_letters_about(group, numbers, owners)
        _forget_errors(numbers)
        LicenceGroup.update(people_blanked_at=clock.now()).where(
            LicenceGroup.id == group.id
        ).execute()


def forget_in_history(group: int, until: datetime | None = None) -> None:
    """Delete the names of licence holders from a group's history, or from its part up to a time."""
    named = (Event.group_id == group) & (Event.person != "")
    if until is not None:
        named &= Event.at <= until
    Event.update(person="", login="").where(named).execute()


def _blank_attached(attached: Any) -> None:
    for row in list(attached):
        AttachedAccount.update(
            first_name="", last_name="", login="", login_key=f"-{row.number}", tells_owner=False
        ).where(AttachedAccount.id == row.id).execute()


def _empty_letters_about(group: LicenceGroup, seats: set[int], owners: set[int]) -> None:
    """Empty the e-mails about a group's licences, and about those that exist no more."""
    about = Letter.select(Letter.id, Letter.kind, Letter.key).where(
        Letter.account == group.account_id, Letter.kind.in_(ABOUT_SEATS)
    )
    found = []
    for row in in_batches(about, Letter.id):
        number = int(row.key.split(":")[1])
        if row.kind == LetterKind.LICENCE_FOR_OWNER:
            is_about = number in owners
        else:
            is_about = number in seats or Seat.get_or_none(Seat.id == number) is None
        if is_about:
            found.append(row.id)
    for start in range(0, len(found), 500):
        empty_letters_of_people(Letter.id.in_(found[start : start + 500]))


def _forget_errors(seats: set[int]) -> None:
    """Delete what the provider said of the licences in jobs that are over."""
    over = Job.status.in_([JobStatus.DONE, JobStatus.FAILED])
    jobs = Job.select(Job.id, Job.key).where(over, Job.key.startswith("seat:"), Job.error != "")
    for job in jobs:
        if int(job.key.split(":")[1]) in seats:
            Job.update(error="").where(Job.id == job.id).execute()


def _forget_notes(which: Any) -> None:
    """Delete the notes of events, but those that prove which card a customer allowed."""
    Event.update(note="").where(
        which, Event.note != "", Event.name.not_in(mandates.PROOFS)
    ).execute()


# --- E-mails ---------------------------------------------------------------------------------


def empty_letter(row: StoredLetter, **more: Any) -> None:
    """Delete the content of an e-mail, which is not sent any more; change ``more`` columns."""
    if row.status in {LetterStatus.QUEUED, LetterStatus.FAILED}:
        transitions.move(row, LetterStatus.STORED, by=BY)
    emptied = {"text": "", "html": "", "is_secret": False, "emptied_at": clock.now()}
    type(row).update(emptied | more).where(type(row).id == row.id).execute()


def empty_letters_of_people(which: Any) -> None:
    """Delete content, subject, recipient and attachments of e-mails, which tell of a person."""
    rows = Letter.select(
        Letter.id, Letter.status, Letter.language, Letter.recipient, Letter.account
    ).where(which)
    for row in list(rows):
        subject = translate(EMPTIED, row.language)
        Attachment.delete().where(Attachment.letter == row.id).execute()
        _forget_notes((Event.subject == Letter.event_subject) & (Event.subject_id == row.id))
        empty_letter(
            row, subject=subject, folded=fold(subject), addressee="", error="",
            recipient=f"{row.id}@{GONE}",
        )  # fmt: skip


# --- An account ------------------------------------------------------------------------------


def forget_sign_in(account: Account) -> None:
    """End the sessions of an account, and delete what is kept for signing in but the password
    itself: with it a customer learns that the account is closed."""
    for table in (
        Session, OneTimeLink, Authenticator, RecoveryCode, Passkey, KnownOrigin, AccountEvent,
        DataExport, Viewing,
    ):  # fmt: skip
        table.delete().where(table.account == account).execute()
    RateCount.delete().where(RateCount.key.contains(account.nic_handle)).execute()


def blank_account(account: Account) -> None:
    """Take name, address and e-mail address out of all that is kept of an account.

    Invoices stay until their ten years are over (`blank_invoice`), and what proves their VAT.
    """
    with database.atomic():
        personal = _identifiers(account)
        forget_sign_in(account)
        for group in LicenceGroup.select().where(LicenceGroup.account == account):
            _blank_group(group)
        _blank_exchange(account)
        _blank_orders(account)
        empty_letters_of_people(Letter.account == account)
        _forget_vat_proofs(account)
        _forget_jobs(personal)
        _forget_notes(Event.account_id == account.id)
        CustomerNote.delete().where(CustomerNote.account == account).execute()
        _blank_reasons(account)
        Card.update(brand="", last4="").where(Card.account == account).execute()
        CardSetup.update(typed={}, back_to="", checkout_url="").where(
            CardSetup.account == account
        ).execute()
        Account.update(
            email=f"{account.nic_handle}@{GONE}", first_name="", last_name="", company="",
            siren="", vat_number="", vat_status=VatStatus.NONE, street="", postcode="", city="",
            blocked_reason=None,
            password_hash=passwords.hash_password(secrets.token_urlsafe(32)),
            erased_at=clock.now(),
        ).where(Account.id == account.id).execute()  # fmt: skip
        account_keys.write_keys(Account.get_by_id(account.id))


ERASED = "account_erased"
"""The kind of the act whose reason stays: it says why the account was erased."""


def _blank_reasons(account: Account) -> None:
    """Delete what members of staff wrote of the customer."""
    AccountCredit.update(reason="").where(AccountCredit.account == account).execute()
    MoneyAct.update(reason=NO_REASON).where(MoneyAct.account == account).execute()
    StaffAct.update(reason=NO_REASON, subject="").where(
        StaffAct.account == account, StaffAct.kind != ERASED
    ).execute()


def _identifiers(account: Account) -> list[str]:
    """Return the texts by which jobs and counters may name the customer."""
    return [each for each in (account.email, account.vat_number) if each]


def _blank_group(group: LicenceGroup) -> None:
    blank_people(group)
    group.display_name = group.name
    LicenceGroup.update(
        display_name=group.name, folded=search_keys.fold_names(group), error=""
    ).where(LicenceGroup.id == group.id).execute()
    group_keys.replace(group)
    Termination.update(reason="").where(Termination.group == group).execute()
    Subscription.update(hold_reason="").where(
        Subscription.group == group, Subscription.status == SubscriptionStatus.TERMINATED
    ).execute()


def _blank_exchange(account: Account) -> None:
    """Blank the customer's mailboxes and their holders; which were attached stays on record."""
    services: Any = ExchangeService.select(ExchangeService.id).where(
        ExchangeService.account == account
    )
    attaches = Attach.select(Attach.id).where(Attach.service.in_(services))
    _blank_attached(AttachedAccount.select(AttachedAccount.id, AttachedAccount.number).where(
        AttachedAccount.attach.in_(attaches)
    ))  # fmt: skip
    for service in list(services):
        for mailbox in in_batches(
            ExchangeAccount.select(ExchangeAccount.id).where(ExchangeAccount.service == service),
            ExchangeAccount.id,
        ):
            address = f"{mailbox.id}@{GONE}"
            ExchangeAccount.update(
                address=address, first_name="", last_name="", kind=MailboxKind.SHARED,
                folded=address, by_address=address.encode(), by_name=b"",
            ).where(ExchangeAccount.id == mailbox.id).execute()  # fmt: skip
        ExchangeService.update(name=f"exchange-{service.id}-erased", domain=GONE).where(
            ExchangeService.id == service.id
        ).execute()


def blanked(customer: dict[str, str]) -> dict[str, str]:
    """Return the buyer of a document without what tells who it is: what VAT depends on stays."""
    kept = {name: customer.get(name, "") for name in ("nic_handle", "country")}
    return kept | ({"company": "—"} if customer.get("company") else {})


def _blank_orders(account: Account) -> None:
    mine = Order.select(Order.id, Order.customer).where(Order.account == account)
    for order in in_batches(mine, Order.id):
        Order.update(customer=blanked(order.customer)).where(Order.id == order.id).execute()
    ids: Any = Order.select(Order.id).where(Order.account == account)
    Acceptance.update(ip_address="").where(Acceptance.order.in_(ids)).execute()
    invoices: Any = Invoice.select(Invoice.id).where(Invoice.account == account)
    paid = Payment.order.in_(ids) | Payment.invoice.in_(invoices)
    Payment.update(checkout_url="").where(paid, Payment.status.not_in(UNSETTLED)).execute()


def _forget_vat_proofs(account: Account) -> None:
    """Delete the proofs of VAT that no kept invoice needs."""
    kept: Any = Invoice.select().where(Invoice.account == account, Invoice.blanked_at.is_null())
    of_kept = kept.select(Invoice.id)
    orders = kept.select(Invoice.order).where(Invoice.order.is_null(False))
    needed = (PlaceProof.invoice.is_null(False) & PlaceProof.invoice.in_(of_kept)) | (
        PlaceProof.order.is_null(False) & PlaceProof.order.in_(orders)
    )
    PlaceProof.delete().where(PlaceProof.account == account, ~needed).execute()
    if not kept.exists():
        VatCheck.delete().where(VatCheck.account == account).execute()


def _forget_jobs(personal: list[str]) -> None:
    """Delete finished jobs, and counters, that name the customer."""
    over = Job.status.in_([JobStatus.DONE, JobStatus.FAILED])
    payload: Any = fn.COALESCE(Job.payload, "")
    for text in personal:
        named = payload.contains(text) | Job.key.contains(text) | Job.error.contains(text)
        Job.delete().where(over, named).execute()
        RateCount.delete().where(RateCount.key.contains(text)).execute()


# --- Invoices --------------------------------------------------------------------------------


def blank_invoice(invoice: Invoice) -> None:
    """Blank the customer of an invoice whose ten years are over, and delete its PDF.

    Its amounts stay, and its number, which has no gap.
    """
    with database.atomic():
        InvoiceFile.delete().where(InvoiceFile.invoice == invoice).execute()
        Invoice.update(customer=blanked(invoice.customer), blanked_at=clock.now()).where(
            Invoice.id == invoice.id
        ).execute()
        _forget_vat_proofs(invoice.account)
