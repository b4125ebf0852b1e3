"""Factories for Exchange services and Office Attach."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from models import (
    Account,
    Attach,
    AttachedAccount,
    CardSetup,
    ExchangeAccount,
    ExchangeService,
    Letter,
    LicenceGroup,
    Order,
    OrderLine,
)
from shop.exchange import importing, services
from shop.exchange.csv_file import CsvFile
from shop.exchange.importing import Changes
from shop.jobs import queue
from shop.orders import attach, contracts
from shop.orders.attach import AttachRequest
from shop.orders.baskets import new_name
from shop.orders.placing import Confirmation
from shop.payments import card_setups, cards
from shop.payments.gateway import CheckoutStatus
from tests.support import purchases
from tests.support.parties import Bank
from tests.support.remembered import remembered

NAME = "exchange-atelier"
HERE = f"/manager/exchange/{NAME}"
DOMAIN = "atelier.example"


def take_over(account: Account, lines: Iterable[str], name: str = NAME) -> Changes:
    """Import these lines of a CSV file into a service."""
    return importing.import_from(account, name, CsvFile("\n".join(lines).encode()))


def lines(number: int) -> list[str]:
    """Return CSV lines of ``number`` people: p01@atelier.example, First 01, Last 01."""
    return [f"p{n:02d}@{DOMAIN},First {n:02d},Last {n:02d}" for n in range(1, number + 1)]


@remembered
def service(account: Account, number: int = 40, name: str = NAME) -> ExchangeService:
    """Return a service of ``number`` mailboxes."""
    take_over(account, lines(number), name)
    return ExchangeService.get(ExchangeService.name == name)


def account_of(owned: ExchangeService, number: int) -> ExchangeAccount:
    """Return the mailbox of person ``number``."""
    address = f"p{number:02d}@{DOMAIN}"
    return ExchangeAccount.get(ExchangeAccount.service == owned, ExchangeAccount.address == address)


# --- Office Attach ---------------------------------------------------------------------------


def registering(account: Account) -> CardSetup:
    """Start the registration of a card at the bank."""
    return card_setups.register_card(
        account, back_to="/manager/web", typed={}, base_url=purchases.BASE, by=account.nic_handle
    )


@remembered
def with_card(account: Account, bank: Bank) -> None:
    """Store a card of a customer, as the bank's page does."""
    setup = registering(account)
    assert setup.checkout is not None
    number = f"{account.id}4242"
    card_setups.CHECKOUTS.settle(
        setup, bank.tell(setup.checkout, CheckoutStatus.SUCCEEDED, number=number)
    )


def attach_request(owned: ExchangeService, licences: int = 3, **changes: object) -> AttachRequest:
    """Return a request of one licence for each of the first ``licences`` mailboxes."""
    rows = list(services.active_accounts(owned).limit(licences))
    holders = [replace(each, **changes) for each in attach.propose_holders(rows)]
    card = cards.stored_card(owned.account)
    return AttachRequest(owned, holders, new_name(), card.id if card else None)


def seen(requested: AttachRequest) -> Confirmation:
    """Return what the customer sees and accepts when confirming now."""
    account = requested.service.account
    quote = attach.quote_after_free_month(account, len(requested.holders))
    return Confirmation(
        total_cents=quote.totals.total_cents,
        contract_digests=tuple(one.digest for one in contracts.current_contracts(account.language)),
        ip_address="203.0.113.7",
        language=account.language,
    )


@remembered
def attached(owned: ExchangeService, licences: int = 3, **changes: object) -> LicenceGroup:
    """Use Office Attach for the first ``licences`` mailboxes and do all jobs. Return the group."""
    requested = attach_request(owned, licences, **changes)
    order = attach.place_order(requested, seen(requested))
    queue.drain()
    return LicenceGroup.select().join(OrderLine).where(OrderLine.order == order).get()


def nothing_happened() -> bool:
    """Return whether Office Attach left no rows behind."""
    return not any(
        table.select().exists() for table in (Attach, AttachedAccount, Order, LicenceGroup)
    )


def letters_of(kind: str) -> list[Letter]:
    """Return every e-mail of a kind, oldest first."""
    return list(Letter.select().where(Letter.kind == kind).order_by(Letter.id))
