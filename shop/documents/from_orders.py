"""The documents of orders and contracts, made from database records."""

from __future__ import annotations

from datetime import datetime
from threading import Lock

from peewee import ModelSelect

from records.catalogue import Contract, ContractFile
from records.orders import Acceptance, Order, OrderStatus
from shop import clock, settings, vat
from shop.documents.contract import ContractDocument, contract_pdf
from shop.documents.parties import Buyer
from shop.documents.purchase_order import (
    AcceptedContract,
    PurchaseOrderDocument,
    PurchaseOrderState,
    purchase_order_pdf,
)
from shop.pricing import lines
from shop.pricing.money import Totals
from shop.sql.prepared import prepared

_CLOSED: dict[str, PurchaseOrderState] = {
    OrderStatus.CANCELLED: PurchaseOrderState.CANCELLED,
    OrderStatus.EXPIRED: PurchaseOrderState.EXPIRED,
    OrderStatus.REFUNDED: PurchaseOrderState.REFUNDED,
}


def purchase_order_pdf_of(order: Order) -> bytes:
    """Return the purchase order as PDF: the order as placed, with its current state."""
    return purchase_order_pdf(document_of(order))


def document_of(order: Order) -> PurchaseOrderDocument:
    """Return the content of the purchase order of ``order``."""
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


def _state_of(order: Order) -> tuple[PurchaseOrderState, datetime | None]:
    if order.is_payable:
        return PurchaseOrderState.PAYABLE, None
    if order.status in _CLOSED and not order.is_withdrawn:
        return _CLOSED[order.status], order.closed_at
    return PurchaseOrderState.PAID, order.paid_at


def _totals_of(order: Order) -> Totals:
    treatment = vat.restore(order.vat_code, order.vat_rate)
    return Totals(order.net_cents, order.vat_cents, order.total_cents, treatment)


def _contracts_of(order: Order) -> tuple[AcceptedContract, ...]:
    return tuple(
        AcceptedContract(row.contract.title, row.contract.version, row.digest, row.accepted_at)
        for row in _accepted.rows(order)
    )


@prepared
def _accepted(order: Order) -> ModelSelect[Acceptance]:
    return (
        Acceptance.select(Acceptance, Contract)
        .join(Contract)
        .where(Acceptance.order == order)
        .order_by(Acceptance.id)
    )


_making = Lock()
"""Lets one thread make a contract's PDF while the others wait for it."""


def contract_pdf_of(contract: Contract) -> bytes:
    """Return one version of a contract as PDF: rendered on first use, the same bytes afterwards."""
    shop_name = settings.current().shop_name
    if (stored := _stored_pdf(contract, shop_name)) is not None:
        return stored
    with _making:
        if (stored := _stored_pdf(contract, shop_name)) is None:
            ContractFile.add_once(
                contract=contract,
                shop_name=shop_name,
                content=_rendered(contract, shop_name),
                made_at=clock.now(),
            )
            # If two processes rendered it at once, both use the file that was stored first.
            stored = _stored_pdf(contract, shop_name)
    assert stored is not None
    return stored


def _stored_pdf(contract: Contract, shop_name: str) -> bytes | None:
    stored = _file_of.first(contract, shop_name)
    return None if stored is None else bytes(stored.content)


@prepared
def _file_of(contract: Contract, shop_name: str) -> ModelSelect[ContractFile]:
    return ContractFile.select().where(
        ContractFile.contract == contract, ContractFile.shop_name == shop_name
    )


def _rendered(contract: Contract, shop_name: str) -> bytes:
    return contract_pdf(
        ContractDocument(
            title=contract.title,
            version=contract.version,
            language=contract.language,
            body=contract.body,
            digest=contract.digest,
            published_at=contract.published_at,
            shop_name=shop_name,
        )
    )
