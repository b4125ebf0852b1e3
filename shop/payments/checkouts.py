"""The life cycle of a checkout at the bank: begun, opened, polled, settled once.

A payment and the registration of a card are each one row with one checkout at the bank.
`Checkouts` is what they have in common; `outcomes` and `cards` define what differs.
"""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from enum import StrEnum
from functools import cache
from typing import Any, ClassVar, Generic, TypeVar

import structlog
from itsdangerous import BadSignature, URLSafeSerializer
from peewee import ModelSelect, ModelUpdate

from records.base import database, lock
from records.card_setups import CardSetup
from records.payments import Payment
from shop import clock, jobs, settings, transitions
from shop.errors import PartyRejected, PartyUnavailable, Refusal
from shop.payments import gateways
from shop.payments.gateway import Checkout, CheckoutRequest, CheckoutStatus
from shop.sandbox_link import test_points
from shop.sql.prepared import Prepared, prepared, prepared_update

log = structlog.get_logger()

Row = TypeVar("Row", Payment, CardSetup)


class Checkouts(ABC, Generic[Row]):
    """The checkouts of one table, whose statuses have the values of `CheckoutStatus`."""

    table: type[Row]
    statuses: type[StrEnum]
    started: ClassVar[str]
    """The event recorded when one begins."""

    salt: ClassVar[str]
    """The salt of signed references, which keeps those of the two tables apart."""

    return_path: ClassVar[str]
    """The path to which the bank redirects the browser, without the signed reference."""

    return_argument: ClassVar[str] = "payment"
    """The argument that holds the signed reference where the bank redirects to a page."""

    opens_later: ClassVar[bool]
    """Whether a row without a page at the bank may get one when the customer tries again."""

    # --- What differs ---------------------------------------------------------------------------

    @abstractmethod
    def watch_later(self, row: Row) -> None:
        """Queue the job that polls the bank, in the caller's transaction."""

    @abstractmethod
    def request(self, row: Row, return_url: str, notification_url: str) -> CheckoutRequest:
        """Return the checkout request to send to the bank."""

    @abstractmethod
    def apply(self, row: Row, outcome: str, checkout: Checkout) -> None:
        """Move ``row``, locked by the caller's transaction, to ``outcome`` if that is allowed."""

    def on_rejected(self, row: Row) -> None:
        """Handle the bank's refusal to open a page."""

    # --- Opening --------------------------------------------------------------------------------

    def begin(self, by: str, **columns: Any) -> Row:
        """Create a row and queue the job that polls the bank, in the caller's transaction."""
        row: Row = self.table.create(
            key=secrets.token_urlsafe(24), created_at=clock.now(), **columns
        )
        transitions.record(row, self.started, by=by, to_status=row.status)
        self.watch_later(row)
        return row

    def open(self, row: Row, base_url: str, page: str = "") -> Row:
        """Have the bank open a page for ``row`` (its ``checkout_url``).

        The bank sends the customer back to ``page``, a path of the shop; by default to
        `return_path`. Raise `Refusal` when the bank is unavailable or refuses.
        """
        reference = self.sign(row)
        back = f"{page}?{self.return_argument}={reference}"
        request = self.request(
            row,
            return_url=base_url + (back if page else f"{self.return_path}/{reference}"),
            notification_url=f"{base_url}/notifications/bank",
        )
        try:
            checkout = gateways.gateway().start_checkout(request)
        except PartyUnavailable as error:
            log.warning("bank_unavailable", of=request.reference, reason=str(error))
            raise gateways.BankUnavailable from error
        except PartyRejected as error:
            gateways.record_refusal(request.reference, error)
            self.on_rejected(row)
            raise Refusal(gateways.CHECKOUT_REFUSED) from error
        _opened(self.table).changed(row.id, checkout.reference, checkout.url)
        return self.settle(row, checkout)

    # --- Settling -------------------------------------------------------------------------------

    def refresh(self, row: Row) -> Row:
        """Fetch the checkout of ``row`` from the bank and apply its status.

        Raise `BankUnavailable` when the bank does not tell: the status is unknown, so that no
        other checkout may begin.
        """
        if not row.checkout:
            return row
        try:
            with gateways.answers_awaited(row.checkout) as bank:
                checkout = bank.find_checkout(row.checkout)
        except PartyUnavailable as error:
            raise gateways.BankUnavailable from error
        return self.settle(row, checkout)

    def watch(self, row: Row) -> None:
        """Poll the bank about an unsettled row. Raise `jobs.Later` until it is settled.

        A bank that refuses to tell is asked again and again: the refusal raises an alarm.
        """
        if row.is_unsettled and row.checkout:
            try:
                checkout = gateways.gateway().find_checkout(row.checkout)
            except PartyRejected as error:
                gateways.record_refusal(row.checkout, error)
                raise jobs.Later(gateways.WATCH_EVERY) from error
            row = self.settle(row, checkout)
        if row.is_unsettled and (row.checkout or self.opens_later):
            raise jobs.Later(gateways.WATCH_EVERY)

    def settle(self, row: Row, checkout: Checkout) -> Row:
        """Apply the bank's status to ``row``; idempotent.

        A repeated, late or out-of-order answer changes nothing.
        """
        if checkout.status not in {CheckoutStatus.OPEN, row.status}:
            test_points.point("payment.settle")
            with database.atomic():
                self.apply(lock(row), self.statuses(checkout.status), checkout)
        return self.table.get_by_id(row.id)

    # --- Finding --------------------------------------------------------------------------------

    def by_checkout(self, reference: str) -> Row | None:
        """Return the row of a checkout at the bank, if it is in this table."""
        found: Row | None = _with_checkout(self.table).first(reference)
        return found

    def sign(self, row: Row) -> str:
        """Return a signed reference to ``row``, which works without a cookie."""
        return str(self._signer().dumps(row.id))

    def by_signature(self, reference: str) -> Row | None:
        """Return the row of a signed reference; None for a forged one."""
        try:
            row_id = self._signer().loads(reference)
        except BadSignature:
            return None
        return self.find(row_id)

    def find(self, row_id: int) -> Row | None:
        """Return the row of an id, if there is one."""
        found: Row | None = self.table.get_or_none(self.table.id == row_id)
        return found

    def _signer(self) -> URLSafeSerializer:
        return URLSafeSerializer(settings.current().secret_keys, salt=self.salt)


@cache
def _opened(table: type[Payment | CardSetup]) -> Prepared[Any]:
    @prepared_update
    def opened(row_id: int, checkout: str, url: str) -> ModelUpdate:
        return table.update(checkout=checkout, checkout_url=url).where(table.id == row_id)

    return opened


@cache
def _with_checkout(table: type[Payment | CardSetup]) -> Prepared[Any]:
    @prepared
    def with_checkout(reference: str) -> ModelSelect[Any]:
        return table.select().where(table.checkout == reference)

    return with_checkout


def move_by_bank(row: Row, outcome: str, checkout: Checkout) -> None:
    """Move ``row`` to ``outcome`` with the reason given by the bank."""
    is_over = outcome != CheckoutStatus.PROCESSING
    settled = {"settled_at": clock.now()} if is_over else {}
    reason = checkout.reason[:64]
    transitions.move(row, outcome, by="bank", note=reason, reason=reason, **settled)
