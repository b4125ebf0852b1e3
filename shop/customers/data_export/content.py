"""What a data export holds of each table of an account.

Exported columns are listed explicitly. All others (password, keys, tokens, the contents of e-mails
with a password) are not exported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from peewee import ModelSelect

from records.account_credits import AccountCredit
from records.accounts import Account, Session
from records.base import Table
from records.card_setups import CardSetup
from records.cards import Card
from records.catalogue import Contract
from records.disputes import Dispute
from records.events import Event
from records.exchange import ExchangeAccount, ExchangeService
from records.exports import DataExport
from records.groups import LicenceGroup
from records.invoices import Invoice, InvoiceLine
from records.ledger import LedgerEntry
from records.letters import Letter
from records.money_acts import MoneyAct
from records.notes import CustomerNote
from records.orders import Acceptance, Order, OrderLine
from records.payments import Payment
from records.refunds import Refund
from records.seats import Seat
from records.security import AccountEvent, Authenticator, Passkey
from records.subscriptions import Subscription
from records.terminations import GiveBack, Termination
from records.vat import PlaceProof, VatCheck
from records.viewings import Viewing


@dataclass(frozen=True)
class Section:
    """The rows of one table: file name, query for an account, and exported columns."""

    file: str
    table: type[Table]
    select: Callable[[Account], ModelSelect[Any]]
    columns: tuple[str, ...]


def _own(table: type[Table]) -> Callable[[Account], ModelSelect[Any]]:
    return lambda account: table.select().where(table.account == account)  # type: ignore[attr-defined]


def _of_orders(table: type[Table]) -> Callable[[Account], ModelSelect[Any]]:
    return lambda account: table.select(table, Order).join(Order).where(Order.account == account)


def _of_invoices(table: type[Table]) -> Callable[[Account], ModelSelect[Any]]:
    def rows(account: Account) -> ModelSelect[Any]:
        of_it = table.invoice == Invoice.id  # type: ignore[attr-defined]
        return (
            table.select(table, Invoice).join(Invoice, on=of_it).where(Invoice.account == account)
        )

    return rows


def _seats(account: Account) -> ModelSelect[Seat]:
    query = Seat.select(Seat, LicenceGroup).join(LicenceGroup)
    return query.where(LicenceGroup.account == account)


def _mailboxes(account: Account) -> ModelSelect[ExchangeAccount]:
    query = ExchangeAccount.select(ExchangeAccount, ExchangeService).join(ExchangeService)
    return query.where(ExchangeService.account == account)


def _acceptances(account: Account) -> ModelSelect[Acceptance]:
    query = Acceptance.select(Acceptance, Contract, Order).join(Contract)
    return query.switch(Acceptance).join(Order).where(Order.account == account)


def _order_events(account: Account) -> ModelSelect[Event]:
    query = Event.select(Event, Order).join(Order, on=(Event.subject_id == Order.id), attr="order")
    own = query.where(Event.account_id == account.id, Order.account == account)
    return own.where(Event.subject == Order.event_subject)


def _histories(account: Account) -> ModelSelect[Event]:
    of_group = Event.group_id == LicenceGroup.id
    query = Event.select(Event, LicenceGroup).join(LicenceGroup, on=of_group, attr="group")
    return query.where(LicenceGroup.account == account)


def _of_groups(table: type[Table]) -> Callable[[Account], ModelSelect[Any]]:
    def rows(account: Account) -> ModelSelect[Any]:
        query = table.select(table, LicenceGroup).join(LicenceGroup)
        return query.where(table.account == account)  # type: ignore[attr-defined]

    return rows


def _refunds(account: Account) -> ModelSelect[Any]:
    """Return the query for the refunds of a customer's payments."""
    return Refund.select().join(Payment).where(_paid_by(account))


def _disputes(account: Account) -> ModelSelect[Any]:
    """Return the query for the disputes of a customer's payments."""
    return Dispute.select().join(Payment).where(_paid_by(account))


def _paid_by(account: Account) -> Any:
    paid = Payment.order.in_(Order.select(Order.id).where(Order.account == account))
    paid |= Payment.invoice.in_(Invoice.select(Invoice.id).where(Invoice.account == account))
    return paid


SECTIONS = (
    Section(
        "account", Account, lambda account: Account.select().where(Account.id == account.id),
        (
            "nic_handle", "email", "first_name", "last_name", "company", "siren", "vat_number",
            "vat_status", "street", "postcode", "city", "country", "language", "created_at",
            "email_proved_at",
            "blocked_at", "blocked_reason", "money_held_until",
        ),
    ),
    Section(
        "sessions", Session, _own(Session),
        ("created_at", "seen_at", "expires_at", "ended_at", "ip_address", "browser"),
    ),
    Section(
        "activity", AccountEvent, _own(AccountEvent),
        ("at", "kind", "note", "ip_address", "browser"),
    ),
    Section(
        "authenticator", Authenticator, _own(Authenticator), ("created_at", "confirmed_at"),
    ),
    Section("passkeys", Passkey, _own(Passkey), ("name", "created_at", "used_at")),
    Section(
        "downloads", DataExport, _own(DataExport),
        ("requested_at", "status", "ready_at", "expires_at"),
    ),
    Section(
        "orders", Order, _own(Order),
        (
            "number", "status", "language", "customer", "currency", "net_cents", "vat_cents",
            "total_cents", "vat_rate", "vat_code", "placed_at", "expires_at", "paid_at",
            "delivered_at", "closed_at",
        ),
    ),
    Section(
        "order_lines", OrderLine, _of_orders(OrderLine),
        (
            "order.number", "position", "offer_name", "quantity", "unit_price_cents", "net_cents",
        ),
    ),
    Section(
        "order_events", Event, _order_events,
        ("order.number", "name", "from_status", "to_status", "by", "at"),
    ),
    Section(
        "contracts_accepted", Acceptance, _acceptances,
        (
            "order.number", "contract.title", "contract.version", "digest", "accepted_at",
            "ip_address",
        ),
    ),
    Section(
        "payments", Payment, _of_orders(Payment),
        (
            "order.number", "status", "method", "amount_cents", "currency", "created_at",
            "settled_at",
        ),
    ),
    Section(
        "invoice_payments", Payment, _of_invoices(Payment),
        (
            "invoice.number", "status", "method", "amount_cents", "currency", "created_at",
            "settled_at",
        ),
    ),
    Section(
        "invoices", Invoice, _own(Invoice),
        (
            "number", "kind", "status", "issued_on", "due_on", "paid_at", "method", "reason",
            "customer", "seller", "net_cents", "vat_cents", "total_cents", "vat_rate",
            "credited_cents", "currency",
        ),
    ),
    Section(
        "invoice_lines", InvoiceLine, _of_invoices(InvoiceLine),
        (
            "invoice.number", "position", "offer_name", "service", "quantity", "unit_price_cents",
            "days", "period_days", "period_start", "period_end", "net_cents",
        ),
    ),
    Section(
        "refunds", Refund, _refunds,
        ("status", "method", "cents", "reference", "created_at", "settled_at"),
    ),
    Section(
        "disputes", Dispute, _disputes,
        ("status", "reason", "cents", "withdrawn_cents", "created_at", "settled_at"),
    ),
    Section(
        "vat_checks", VatCheck, _own(VatCheck),
        (
            "vat_number", "answer", "company", "name", "address", "consultation", "is_fitting",
            "asked_at", "accepted_at",
        ),
    ),
    Section(
        "place_proofs", PlaceProof, _own(PlaceProof),
        ("kind", "country", "detail", "recorded_at"),
    ),
    Section("ledger", LedgerEntry, _own(LedgerEntry), ("at", "kind", "cents")),
    Section(
        "account_credits", AccountCredit, _own(AccountCredit),
        (
            "kind", "cents", "used_cents", "paid_out_cents", "reference", "received_on", "reason",
            "at",
        ),
    ),
    Section(
        "acts_on_money", MoneyAct, _own(MoneyAct),
        ("kind", "number", "cents", "reason", "status", "asked_at", "decided_at"),
    ),
    Section(
        "cards", Card, _own(Card),
        ("brand", "last4", "expiry_month", "expiry_year", "consented_at", "removed_at"),
    ),
    Section(
        "licence_groups", LicenceGroup, _own(LicenceGroup),
        (
            "name", "domain", "display_name", "offer_id", "status", "places_taken", "created_at",
            "installed_at",
        ),
    ),
    Section(
        "licences", Seat, _seats,
        (
            "group.name", "number", "status", "first_name", "last_name", "login", "active_since",
            "has_signed_in", "is_idle",
        ),
    ),
    Section(
        "histories", Event, _histories,
        ("group.name", "name", "number", "person", "login", "by", "at"),
    ),
    Section(
        "subscriptions", Subscription, _of_groups(Subscription),
        (
            "group.name", "status", "started_at", "period_start", "period_end", "renews_on",
            "free_until", "suspended_at", "hold_reason", "ended_at",
        ),
    ),
    Section(
        "terminations", Termination, _of_groups(Termination),
        ("group.name", "status", "cause", "reason", "ends_on", "asked_at", "closed_at"),
    ),
    Section(
        "licences_given_back", GiveBack, _of_groups(GiveBack),
        ("group.name", "number", "status", "ends_on", "asked_at", "closed_at"),
    ),
    Section(
        "exchange_services", ExchangeService, _own(ExchangeService),
        ("name", "domain", "created_at"),
    ),
    Section(
        "exchange_accounts", ExchangeAccount, _mailboxes,
        ("service.name", "address", "first_name", "last_name", "kind", "size_gb", "status"),
    ),
    Section("viewings", Viewing, _own(Viewing), ("created_at", "by", "reason")),
    Section("notes", CustomerNote, _own(CustomerNote), ("at", "text")),
    Section(
        "card_registrations", CardSetup, _own(CardSetup), ("status", "created_at", "settled_at"),
    ),
    Section(
        "letters", Letter, _own(Letter),
        (
            "id", "kind", "language", "recipient", "subject", "is_secret", "status", "created_at",
            "sent_at",
        ),
    ),
)  # fmt: skip

OMITTED_TABLES = {
    "account_key": "the account's own details, folded, for our search",
    "contract_announcement": "each is an e-mail",
    "group_key": "the names of their groups, folded, for their search",
    "known_origin": "digests; the networks and browsers are in the activity log",
    "one_time_link": "digests of one-time tokens",
    "recovery_code": "digests of secrets",
    "seat_key": "names and addresses of licence holders, folded, for their search",
    "staff_act": "each that concerns the customer is an entry of the activity log",
}
"""Tables of an account that are not exported, with the reason."""
