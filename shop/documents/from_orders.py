"""The documents of orders and contracts, made from what is on record."""

from __future__ import annotations

from datetime import datetime

from records.catalogue import Contract
from records.orders import Acceptance, Order, OrderStatus
from shop import settings, vat
from shop.documents.contract import ContractDocument, contract_pdf
from shop.documents.parties import Buyer
from shop.documents.purchase_order import (
    AcceptedContract,
    PurchaseOrderDocument,
    State,
    purchase_order_pdf,
)
from shop.pricing import lines
from shop.pricing.money import Totals

_CLOSED: dict[str, State] = {
    OrderStatus.CANCELLED: State.CANCELLED,
    OrderStatus.EXPIRED: State.EXPIRED,
    OrderStatus.REFUNDED: State.REFUNDED,
}


def purchase_order_pdf_of(order: Order) -> bytes:
    """The purchase order of ``order`` as PDF: as placed, and as it stands now."""
    return purchase_order_pdf(document_of(order))


def document_of(order: Order) -> PurchaseOrderDocument:
    """What the purchase order of ``order`` says."""
    shop = settings.current()
    state, state_at = _state_of(order)
    return PurchaseOrderDocument(
        number=order.number,
        language=order.language,
        shop_name=shop.shop_name,
        seller=shop.seller,
        buyer=Buyer.of(order.customer),
        placed_at=order.placed_at,
        expires_at=order.expires_at,
        lines=tuple(map(lines.priced, lines.lines_of(order))),
        totals=_totals_of(order),
        contracts=_contracts_of(order),
        pay_url=f"{shop.public_url}/{order.language}/order/{order.number}",
        state=state,
        state_at=state_at,
    )


def _state_of(order: Order) -> tuple[State, datetime | None]:
    if order.is_payable:
        return State.PAYABLE, None
    if order.status in _CLOSED:
        return _CLOSED[order.status], order.closed_at
    return State.PAID, order.paid_at


def _totals_of(order: Order) -> Totals:
    treatment = vat.restore(order.vat_code, order.vat_rate)
    return Totals(order.net_cents, order.vat_cents, order.total_cents, treatment)


def _contracts_of(order: Order) -> tuple[AcceptedContract, ...]:
    accepted = (
        Acceptance.select(Acceptance, Contract)
        .join(Contract)
        .where(Acceptance.order == order)
        .order_by(Acceptance.id)
    )
    return tuple(
        AcceptedContract(row.contract.title, row.contract.version, row.digest, row.accepted_at)
        for row in accepted
    )


def contract_pdf_of(contract: Contract) -> bytes:
    """One version of a contract as PDF."""
    return contract_pdf(
        ContractDocument(
            title=contract.title,
            version=contract.version,
            language=contract.language,
            body=contract.body,
            digest=contract.digest,
            published_at=contract.published_at,
            shop_name=settings.current().shop_name,
        )
    )
