"""Proofs of the country of consumers, two that agree (regulation 282/2011, articles 24b and 24f).

The billing address and the IP address are recorded with the order, the country of the bank that
issued the card with its payment; for a renewal, address and card with the payment of its invoice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from records.accounts import Account
from records.invoices import Invoice
from records.orders import Order
from records.payments import Payment
from records.vat import PlaceProof, ProofKind
from shop import clock


def record_order(order: Order, ip_address: str) -> None:
    """Record address and network of a consumer's order, in the caller's transaction."""
    if _is_needed(order):
        at = order.placed_at
        _record(order, ProofKind.ADDRESS, *_address(order), at)
        _record(order, ProofKind.NETWORK, "", ip_address, at)


def record_payment(payment: Payment, card_country: str) -> None:
    """Record what a payment proves, in the transaction that counts it.

    ``card_country`` is "" if the bank tells none.
    """
    sale: Order | Invoice | None = payment.order or payment.invoice
    if sale is None or not _is_needed(sale):
        return
    if payment.order is None:
        _record(sale, ProofKind.ADDRESS, *_address(sale))
    if card_country:
        _record(sale, ProofKind.CARD, card_country, "")


def _is_needed(sale: Order | Invoice) -> bool:
    """Return whether a sale is taxed as a consumer's: of a private person, or in the OSS."""
    return not sale.customer.get("company") or sale.vat_code.startswith("oss:")


def _address(sale: Order | Invoice) -> tuple[str, str]:
    customer: Mapping[str, str] = sale.customer
    return customer.get("country", ""), customer.get("postcode", "")


def _record(
    sale: Order | Invoice, kind: ProofKind, country: str, detail: str, at: datetime | None = None
) -> None:
    subject: dict[str, Any] = {sale.event_subject: sale}
    PlaceProof.add_once(
        account=sale.account_id, kind=kind, country=country[:2].upper(), detail=detail[:64],
        recorded_at=at or clock.now(), **subject,
    )  # fmt: skip


# --- For the operator ----------------------------------------------------------------------------


def proofs_of(account: Account) -> list[PlaceProof]:
    """Return the proofs of an account's country, newest first."""
    query = PlaceProof.select(PlaceProof, Order, Invoice)
    query = query.left_outer_join(Order).switch(PlaceProof).left_outer_join(Invoice)
    return list(query.where(PlaceProof.account == account).order_by(PlaceProof.id.desc()))


@dataclass(frozen=True)
class Contradiction:
    """A sale whose card is of another country than its billing address."""

    nic_handle: str
    on: date
    address_country: str
    card_country: str


def contradictions() -> Iterator[Contradiction]:
    """Yield the sales whose card is of another country than their billing address."""
    address = PlaceProof.alias()
    same_sale = (address.order == PlaceProof.order) | (address.invoice == PlaceProof.invoice)
    rows: Any = (
        PlaceProof.select(PlaceProof, Account, address)
        .join(Account)
        .switch(PlaceProof)
        .join(address, on=same_sale & (address.kind == ProofKind.ADDRESS), attr="claimed")
        .where(PlaceProof.kind == ProofKind.CARD, PlaceProof.country != address.country)
        .order_by(PlaceProof.id)
    )
    for row in rows:
        day = clock.day_of(row.recorded_at)
        yield Contradiction(row.account.nic_handle, day, row.claimed.country, row.country)
