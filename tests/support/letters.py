"""E-mails: a cause for every kind the shop writes, and what a reader sees of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from xml.etree.ElementTree import Element

from models import (
    Account,
    Card,
    Invoice,
    Job,
    Letter,
    LicenceGroup,
    Order,
    OrderStatus,
    Payment,
    Role,
    StaffAccount,
    StaffLetter,
    database,
)
from shop import clock, mail, vat
from shop.customers import data_export, email_proofs, password_changes, profile, two_factor
from shop.customers.activity_log import UNKNOWN
from shop.customers.two_factor import recovery_codes
from shop.invoicing import account_credits, credit_notes, invoices
from shop.invoicing.invoices import Draft
from shop.jobs import kinds, queue
from shop.licences.seats import import_preview
from shop.mail.staff_letters import Asked
from shop.orders import attach, contracts, orders, withdrawals
from shop.orders.contracts import announcements
from shop.orders.contracts.texts import ShippedText
from shop.payments import cards, disputes, manual_refunds, notifications, outcomes, payments
from shop.payments.gateway import (
    CardChange,
    CheckoutStatus,
    DisputeState,
    Notification,
    RefundState,
)
from shop.payments.refundables import RefundableNote
from shop.personal_data import closing
from shop.pricing.lines import positions_of
from shop.publishing import notices
from shop.staff import accounts
from shop.subscriptions import (
    dunning,
    give_backs,
    interventions,
    price_changes,
    renewal_notices,
    terminations,
)
from tests.support import exchange, groups, pages, purchases, running
from tests.support.parties import Bank, Provider

BASE = purchases.BASE
ADDRESS = "marie.dupont@o365-1.o365.example"
GROUP = "Atelier de Lille"
PASSWORD = "hV7-kq2Rm9wX_t4B"
LEGAL_PAGES = ("legal-notice", "terms", "privacy", "mediation", "contact")
"""The pages that every e-mail links to at its end, by their name in the URL."""

PORTAL = "http://127.0.0.1:5001/portal"


def the(account: Account, kind: str) -> Letter:
    """Return the newest e-mail of a kind to ``account``."""
    found = Letter.select().where(Letter.account == account, Letter.kind == kind)
    letter: Letter = found.order_by(Letter.id.desc()).get()
    return letter


# --- One of each kind ------------------------------------------------------------------------


def _placed(account: Account) -> Order:
    return purchases.place(account, purchases.basket(business=12, pro_plus=3), account.language)


def order_placed(account: Account, bank: Bank, provider: Provider) -> None:
    """An order is placed."""
    _placed(account)


def order_cancelled(account: Account, bank: Bank, provider: Provider) -> None:
    """An order is cancelled."""
    orders.cancel_order(_placed(account), by=account.nic_handle)


def expire(order: Order) -> None:
    """Let an order expire that is not paid."""
    Order.update(expires_at=clock.now()).where(Order.id == order.id).execute()
    orders.expire_order(order.id)


def order_expired(account: Account, bank: Bank, provider: Provider) -> None:
    """An order is not paid in time."""
    expire(_placed(account))


def payment_received(account: Account, bank: Bank, provider: Provider) -> None:
    """An order is paid."""
    purchases.pay(_placed(account), bank)


def payment_refunded(account: Account, bank: Bank, provider: Provider) -> None:
    """An order is paid after it was cancelled."""
    order = _placed(account)
    payment = purchases.start_paying(order)
    orders.cancel_order(order, by=account.nic_handle)
    outcomes.CHECKOUTS.settle(payment, bank.tell(payment.checkout or "", CheckoutStatus.SUCCEEDED))
    queue.drain()


def service_installed(account: Account, bank: Bank, provider: Provider) -> None:
    """An order is delivered."""
    payment_received(account, bank, provider)
    queue.drain()


def delivery_failed(account: Account, bank: Bank, provider: Provider) -> None:
    """The provider refuses the installation."""
    provider.failing = "The domain is taken."
    service_installed(account, bank, provider)
    order = Order.select().where(Order.account == account).get()
    assert order.status == OrderStatus.DELIVERY_FAILED


def rest_refunded(account: Account, bank: Bank, provider: Provider) -> None:
    """The provider refuses one of the two groups, and its customer wants the money back."""
    order = _placed(account)
    provider.refused_offers.add("pro_plus")
    purchases.pay(order, bank)
    queue.drain()
    orders.refund_order(Order.get_by_id(order.id), by=account.nic_handle)
    queue.drain()


def account_created(account: Account, bank: Bank, provider: Provider) -> None:
    """Nothing to do: registering an account writes this e-mail."""


def email_proof(account: Account, bank: Bank, provider: Provider) -> None:
    """The link that proves the address is requested again."""
    email_proofs.request(account)


def password_reset(account: Account, bank: Bank, provider: Provider) -> None:
    """A password is forgotten."""
    password_changes.request_reset(account.nic_handle, "203.0.113.7", BASE)
    queue.drain()


def password_changed(account: Account, bank: Bank, provider: Provider) -> None:
    """A password is changed."""
    password_changes.change_password(account, "Another-Horse-8")


def announcement(account: Account, bank: Bank, provider: Provider) -> None:
    """An announcement is published that is e-mailed to customers with a running service."""
    running.delivered(account, bank)
    now = clock.now()
    notices.publish(
        notices.Wording(
            "Maintenance samedi de 2 h à 4 h.", "Maintenance on Saturday from 2 to 4.",
            now, now + timedelta(days=1), by_email=True,
        ),
        by="staff:dora", reason="Maintenance",
    )  # fmt: skip
    queue.drain()


def account_closed(account: Account, bank: Bank, provider: Provider) -> None:
    """The customer closes the account."""
    closing.close_account(account, by=account.nic_handle)


def account_ending(account: Account, bank: Bank, provider: Provider) -> None:
    """The account ends in 30 days, after five years without a service."""
    mail.account_ending(account, clock.today() + timedelta(days=30))


def email_confirmation(account: Account, bank: Bank, provider: Provider) -> None:
    """A new e-mail address is requested."""
    profile.request_email_change(account, "elsewhere@atelier.example", purchases.BASE, UNKNOWN)


def email_changed(account: Account, bank: Bank, provider: Provider) -> None:
    """An e-mail address is changed."""
    profile.change_email(account, "elsewhere@atelier.example", UNKNOWN)


def second_factor_changed(account: Account, bank: Bank, provider: Provider) -> None:
    """Customer service removes the second factors."""
    recovery_codes.create_codes(account, UNKNOWN)
    two_factor.switch_off(account)


def export_ready(account: Account, bank: Bank, provider: Provider) -> None:
    """A data export is made."""
    data_export.request_export(account, UNKNOWN)
    queue.drain()


def invoice_issued(account: Account, bank: Bank, provider: Provider) -> None:
    """An order is delivered, and its invoice made."""
    service_installed(account, bank, provider)


def goodwill_granted(account: Account, bank: Bank, provider: Provider) -> None:
    """A member of staff puts an amount on the balance."""
    with database.atomic():
        account_credits.grant_goodwill(account, 1_000, "Merci.", by="staff:camille")


def part_payment_received(account: Account, bank: Bank, provider: Provider) -> None:
    """A part of an invoice arrives by transfer."""
    invoice = _due(account, bank, provider)
    payments.record_manual_payment(
        invoice, by="staff:camille", day=clock.today(), reference="VIR-1", cents=500
    )


def _due(account: Account, bank: Bank, provider: Provider) -> Invoice:
    invoice_issued(account, bank, provider)
    first = Invoice.get(Invoice.account == account)
    with database.atomic():
        return invoices.issue(
            Draft(
                account=account,
                language=first.language,
                customer=first.customer,
                treatment=vat.french_estimate(),
                positions=positions_of(first),
                due_on=clock.today(),
            )
        )


def invoice_paid(account: Account, bank: Bank, provider: Provider) -> None:
    """The operator books a bank transfer for an invoice."""
    payments.record_manual_payment(_due(account, bank, provider), by="operator")


def invoice_payment_refunded(account: Account, bank: Bank, provider: Provider) -> None:
    """An invoice is paid at the bank after it was settled otherwise."""
    invoice = _due(account, bank, provider)
    payment = payments.start_payment(
        invoice, store_card=False, base_url=BASE, by=account.nic_handle
    )
    with database.atomic():
        credit_notes.credit(invoice, positions_of(invoice), "An error.", by="operator")
    outcomes.CHECKOUTS.settle(payment, bank.tell(payment.checkout or "", CheckoutStatus.SUCCEEDED))
    queue.drain()


def credit_note_issued(account: Account, bank: Bank, provider: Provider) -> None:
    """A paid invoice is credited."""
    invoice_issued(account, bank, provider)
    invoice = Invoice.get(Invoice.account == account)
    with database.atomic():
        credit_notes.credit(invoice, positions_of(invoice), "An error.", by="operator")


def credit_note_refunded(account: Account, bank: Bank, provider: Provider) -> None:
    """The operator transfers the money of a credit note back."""
    invoice = _due(account, bank, provider)
    payments.record_manual_payment(invoice, by="operator")
    with database.atomic():
        note = credit_notes.credit(
            Invoice.get_by_id(invoice.id), positions_of(invoice), "An error.", by="operator"
        )
    queue.drain()
    manual_refunds.record_transfer(
        RefundableNote(note), by="operator", day=clock.today(), reference="VIR-2026-11-042"
    )


def refund_failed(account: Account, bank: Bank, provider: Provider) -> None:
    """The bank cannot refund an order that was paid after it was cancelled."""
    bank.refunding = RefundState.FAILED
    payment_refunded(account, bank, provider)


def refunded_by_bank(account: Account, bank: Bank, provider: Provider) -> None:
    """The operator refunds a part of a payment in the bank's dashboard."""
    payment_received(account, bank, provider)
    made = bank.refund_of_itself(Payment.get(Payment.method == "card").checkout, 500)
    notifications.apply_notification(Notification("e", made))


def payment_disputed(account: Account, bank: Bank, provider: Provider) -> None:
    """The cardholder contests the payment of a renewal."""
    running.to_renewal(running.delivered(account, bank))
    charged = Payment.get(Payment.card.is_null(False))
    made = bank.dispute(charged.checkout, charged.amount_cents, reason="fraudulent")
    notifications.apply_notification(Notification("e", made))


def dispute_lost(account: Account, bank: Bank, provider: Provider) -> None:
    """The bank decides for the cardholder, and takes the payment of a renewal back."""
    running.to_renewal(running.delivered(account, bank))
    charged = Payment.get(Payment.card.is_null(False))
    lost = bank.dispute(
        charged.checkout, charged.amount_cents, state=DisputeState.LOST,
        withdrawn_cents=charged.amount_cents,
    )  # fmt: skip
    disputes.apply_notified(lost)


def card_removed(account: Account, bank: Bank, provider: Provider) -> None:
    """A stored card is removed at the bank."""
    running.delivered(account, bank)
    card = Card.get(Card.account == account)
    notifications.apply_notification(Notification("e", CardChange(card.mandate, None)))


def card_withdrawn(account: Account, bank: Bank, provider: Provider) -> None:
    """The customer removes the card that a service is charged to."""
    running.delivered(account, bank)
    cards.remove_card(Card.get(Card.account == account), by=account.nic_handle)


def card_expiring(account: Account, bank: Bank, provider: Provider) -> None:
    """The card that a service is charged to expires in a week."""
    running.delivered(account, bank)
    card = Card.get(Card.account == account)
    renewal_notices.announce_all(card.valid_until - renewal_notices.FIRST)


def renewal_coming(account: Account, bank: Bank, provider: Provider) -> None:
    """A renewal is a week away, which no card is charged for."""
    renews_on = running.subscription_of(running.delivered(account, bank, card="")).renews_on
    assert renews_on is not None
    renewal_notices.announce_all(renews_on - renewal_notices.FIRST)


def licences_added(account: Account, bank: Bank, provider: Provider) -> None:
    """Licences are ordered for an existing group."""
    service_installed(account, bank, provider)
    group = LicenceGroup.select().where(LicenceGroup.account == account).get()
    purchases.pay(groups.add(group, 2), bank)
    queue.drain()


def licence_active(account: Account, bank: Bank, provider: Provider) -> None:
    """A licence is activated."""
    mail.licence_active(
        account, group=GROUP, address=ADDRESS, password=PASSWORD, portal=PORTAL, key="1"
    )


def seat_password_changed(account: Account, bank: Bank, provider: Provider) -> None:
    """A licence's password is changed."""
    mail.seat_password_changed(
        account, group=GROUP, address=ADDRESS, password=PASSWORD, portal=PORTAL, key="1"
    )


def licence_released(account: Account, bank: Bank, provider: Provider) -> None:
    """A licence is released."""
    mail.licence_released(account, group=GROUP, address=ADDRESS, key="1")


def attach_ordered(account: Account, bank: Bank, provider: Provider) -> None:
    """Office Attach is ordered for three mailboxes."""
    exchange.with_card(account, bank)
    requested = exchange.attach_request(exchange.service(account, 3))
    attach.place_order(requested, exchange.seen(requested))


def attach_installed(account: Account, bank: Bank, provider: Provider) -> None:
    """The group of Office Attach is installed."""
    attach_ordered(account, bank, provider)
    queue.drain()


def licence_for_owner(account: Account, bank: Bank, provider: Provider) -> None:
    """A licence is activated with an e-mail to its user."""
    mail.licence_for_owner(
        account, recipient="marie@atelier.example", owner="Marie Dupont", group=GROUP,
        address=ADDRESS, password=PASSWORD, portal=PORTAL, key="1",
    )  # fmt: skip


def licence_link(account: Account, bank: Bank, provider: Provider) -> None:
    """A licence is activated, and its holder gets a link to the password."""
    mail.licence_link(
        account, recipient="marie@atelier.example", address=ADDRESS, token="t" * 43,
        until=clock.now(), key="1:1:1",
    )  # fmt: skip


def passwords_ready(account: Account, bank: Bank, provider: Provider) -> None:
    """Licences are configured from a file, and their passwords are ready."""
    group = groups.installed(account, bank)
    made = import_preview.prepare_import(groups.fresh(group), "people.csv", b"Zoe,Moreau,zoe\n")
    import_preview.start_import(made, by=account.nic_handle)
    queue.drain()


def payment_failed(account: Account, bank: Bank, provider: Provider) -> None:
    """A renewal cannot be charged: the bank refuses the stored card."""
    running.to_renewal(running.delivered(account, bank, card="0341"))


def service_suspended(account: Account, bank: Bank, provider: Provider) -> None:
    """A renewal stays unpaid until the group is suspended."""
    running.suspended(account, bank)


def service_resumed(account: Account, bank: Bank, provider: Provider) -> None:
    """The invoice of a suspended group is paid."""
    payments.record_manual_payment(running.owed(running.suspended(account, bank)), by="operator")


def service_suspended_by_us(account: Account, bank: Bank, provider: Provider) -> None:
    """The operator suspends a group."""
    interventions.suspend(running.delivered(account, bank), "Abuse was reported.", by="operator")


def service_resumed_by_us(account: Account, bank: Bank, provider: Provider) -> None:
    """The operator resumes a group that is not paid."""
    interventions.resume(running.suspended(account, bank), "Paid tomorrow.", by="operator")


def termination_notice(account: Account, bank: Bank, provider: Provider) -> None:
    """The invoice of a suspended group is still unpaid 60 days later."""
    running.suspended(account, bank)
    running.pass_time(dunning.NOTICE_AFTER)


def termination_link(account: Account, bank: Bank, provider: Provider) -> None:
    """A business wants to terminate a group."""
    group = running.delivered(account, bank)
    purchases.by_a_business(account)
    terminations.request_termination(group, by=account.nic_handle)


def termination_scheduled(account: Account, bank: Bank, provider: Provider) -> None:
    """A consumer terminates a group."""
    terminations.request_termination(running.delivered(account, bank), by=account.nic_handle)


def termination_undone(account: Account, bank: Bank, provider: Provider) -> None:
    """A consumer cancels a termination."""
    termination_scheduled(account, bank, provider)
    terminations.undo(LicenceGroup.get(LicenceGroup.account == account), by=account.nic_handle)


def service_terminated(account: Account, bank: Bank, provider: Provider) -> None:
    """A termination is carried out."""
    termination_scheduled(account, bank, provider)
    running.to_renewal(LicenceGroup.get(LicenceGroup.account == account))


def withdrawal_received(account: Account, bank: Bank, provider: Provider) -> None:
    """A consumer withdraws from a contract."""
    withdrawals.withdraw_from_service(running.delivered(account, bank), by=account.nic_handle)


def licences_given_back(account: Account, bank: Bank, provider: Provider) -> None:
    """Two of three licences are given back."""
    give_backs.give_back_seats(running.delivered(account, bank), [2, 3], by=account.nic_handle)


def give_back_undone(account: Account, bank: Bank, provider: Provider) -> None:
    """Giving two licences back is undone."""
    licences_given_back(account, bank, provider)
    group = LicenceGroup.get(LicenceGroup.account == account)
    give_backs.undo(group, [2, 3], by=account.nic_handle)


def price_change(account: Account, bank: Bank, provider: Provider) -> None:
    """The price of a licence changes."""
    running.delivered(account, bank)
    price_changes.change_price("business", 990, clock.now() + timedelta(days=1))
    price_changes.announce_all()


def contract_change(account: Account, bank: Bank, provider: Provider) -> None:
    """A new version of the general terms is published."""
    running.delivered(account, bank)
    contracts.publish(
        [
            ShippedText("general_terms", 3, language, title, "Texte.")
            for language, title in (("fr", "Conditions générales"), ("en", "General terms"))
        ]
    )
    announcements.announce_all()


def free_period_ending(account: Account, bank: Bank, provider: Provider) -> None:
    """The free period of Office Attach ends soon."""
    group = running.delivered(account, bank)
    subscription = running.subscription_of(group)
    subscription.free_until = subscription.period_end
    subscription.save()
    renewal_notices.tell_of_free_end(subscription.id)


Cause = Callable[[Account, Bank, Provider], None]
CAUSES: dict[str, Cause] = {
    cause.__name__: cause
    for cause in (
        account_created, email_proof, password_reset, password_changed, order_placed,
        order_cancelled, order_expired, payment_received, payment_refunded, delivery_failed,
        rest_refunded, service_installed,
        invoice_issued, invoice_paid, goodwill_granted, part_payment_received,
        invoice_payment_refunded, credit_note_issued,
        credit_note_refunded, refund_failed,
        refunded_by_bank, payment_disputed, dispute_lost, card_removed, card_withdrawn,
        card_expiring, renewal_coming,
        licences_added, licence_active, seat_password_changed, licence_released,
        payment_failed, service_suspended, service_resumed,
        service_suspended_by_us, service_resumed_by_us, termination_notice, termination_link,
        termination_scheduled, termination_undone, service_terminated, withdrawal_received,
        licences_given_back, give_back_undone, price_change, contract_change, free_period_ending,
        account_closed, account_ending, announcement, email_confirmation, email_changed,
        second_factor_changed,
        export_ready,
        attach_ordered, attach_installed, licence_for_owner, licence_link, passwords_ready,
    )
}  # fmt: skip
"""What causes each kind of e-mail."""


# --- To members of staff ---------------------------------------------------------------------


BY_DOMINIQUE = Asked("staff:dominique", "A telephone was lost")


def to_staff(member: StaffAccount, kind: str) -> StaffLetter:
    """Return the newest e-mail of a kind to a member of staff."""
    found = StaffLetter.select().where(StaffLetter.staff == member, StaffLetter.kind == kind)
    letter: StaffLetter = found.order_by(StaffLetter.id.desc()).get()
    return letter


def fail_to_staff(*unsent: StaffLetter) -> None:
    """Let the mail server have refused e-mails to members of staff for good."""
    numbers = [letter.id for letter in unsent]
    StaffLetter.update(status="failed", error="550").where(StaffLetter.id.in_(numbers)).execute()
    keys = [kinds.send_staff_letter.key(letter=number) for number in numbers]
    Job.update(status="failed", error="550").where(Job.key.in_(keys)).execute()


def staff_invitation(member: StaffAccount) -> None:
    """An administrator resets password and second factors."""
    accounts.reset(member, BY_DOMINIQUE)


def staff_account_changed(member: StaffAccount) -> None:
    """An administrator gives another role."""
    accounts.set_role(member, Role.AUDITOR, BY_DOMINIQUE)


STAFF_CAUSES: dict[str, Callable[[StaffAccount], None]] = {
    cause.__name__: cause for cause in (staff_invitation, staff_account_changed)
}
"""What causes each kind of e-mail to a member of staff."""


TO_OTHERS = {"licence_for_owner", "licence_link"}
"""E-mails to people without an account: they do not mention the customer area."""


@dataclass(frozen=True)
class Written:
    """A copy of an e-mail, independent of the database."""

    kind: str
    language: str
    subject: str
    text: str
    html: str
    full_name: str
    nic_handle: str
    is_to_customer: bool
    is_to_unproved: bool

    @classmethod
    def of(cls, letter: Letter) -> Written:
        """Return the copy of ``letter``."""
        return cls(
            letter.kind,
            letter.language,
            letter.subject,
            mail.text_of(letter),
            mail.html_of(letter),
            letter.account.full_name,
            letter.account.nic_handle,
            letter.kind not in TO_OTHERS,
            letter.kind in mail.TO_UNPROVED | mail.TO_STRANGERS,
        )

    @classmethod
    def of_staff(cls, letter: StaffLetter) -> Written:
        """Return the copy of an e-mail to a member of staff, whom it calls by the login."""
        login = letter.staff.login
        return cls(
            letter.kind, letter.language, letter.subject, mail.text_of(letter),
            mail.html_of(letter), login, login, is_to_customer=True, is_to_unproved=False,
        )  # fmt: skip


# --- What a reader sees ----------------------------------------------------------------------


def plain(text: str) -> str:
    """Return a text with every run of white space as one space."""
    return " ".join(text.split())


@lru_cache(maxsize=256)
def parsed(html: str) -> Element:
    """Return the root element of an HTML e-mail; many tests read each of them."""
    return pages.read_page(html)[0]


def shown(html: str) -> str:
    """Return the visible text of an HTML e-mail, without styles and preview text."""
    body = parsed(html).find("body")
    assert body is not None
    return _shown(body)


def seen(html: str) -> str:
    """Return the visible text with plain spaces, for searching."""
    return plain(shown(html))


def _shown(element: Element) -> str:
    hidden = not isinstance(element.tag, str) or "display:none" in element.get("style", "")
    own = "" if hidden else (element.text or "") + "".join(_shown(child) for child in element)
    between = "" if element.tag in {"a", "strong", "span"} else " "
    return between + own + between + (element.tail or "")


def links(html: str) -> set[str]:
    """Return the URLs of an HTML e-mail's links, without ``mailto:``."""
    targets = {link.get("href", "") for link in parsed(html).iter("a")}
    return {target for target in targets if not target.startswith("mailto:")}


def addresses(text: str) -> set[str]:
    """Return the URLs in a text."""
    return set(re.findall(r"https?://[^\s,]+[^\s.,]", text))


def activate(account: Account, key: str = "1") -> Letter:
    """Store an e-mail that contains a secret."""
    mail.licence_active(
        account, group=GROUP, address=ADDRESS, password=PASSWORD, portal=PORTAL, key=key,
    )  # fmt: skip
    return the(account, "licence_active")


def again(letter: Letter) -> Letter:
    """Return the stored e-mail, reloaded."""
    return Letter.get_by_id(letter.id)
