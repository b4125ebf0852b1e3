"""The life of a checkout at the bank: begun, opened, followed, settled once.

A payment and the registration of a card are both one row of ours with one checkout at the bank.
`Checkouts` is what they have in common; `outcomes` and `cards` say what differs.
"""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from enum import StrEnum
from typing import Any, ClassVar, Generic, TypeVar

import structlog
from itsdangerous import BadSignature, URLSafeSerializer

from records.base import database, lock
from records.cards import CardSetup
from records.payments import Payment
from shop import clock, jobs, settings, transitions
from shop.errors import PartyRejected, PartyUnavailable, Refusal
from shop.payments import gateways
from shop.payments.gateway import Checkout, CheckoutRequest, CheckoutStatus
from shop.sandbox_link import test_points

log = structlog.get_logger()

Row = TypeVar("Row", Payment, CardSetup)


class Checkouts(ABC, Generic[Row]):
    """The checkouts of one table, whose statuses are called like those of `CheckoutStatus`."""

    table: type[Row]
    statuses: type[StrEnum]
    started: ClassVar[str]
    """The event that says that one began."""

    salt: ClassVar[str]
    """What tells the signed references of this table from those of the other."""

    return_path: ClassVar[str]
    """Where the bank sends the browser, before the signed reference."""

    opens_later: ClassVar[bool]
    """Whether a row for which the bank opened no page may get one when the customer asks again."""

    # --- What differs ---------------------------------------------------------------------------

    @abstractmethod
    def watch_later(self, row: Row) -> None:
        """Have the bank asked in a while, by a job queued in the caller's transaction."""

    @abstractmethod
    def request(self, row: Row, return_url: str, notification_url: str) -> CheckoutRequest:
        """What the bank is asked to open a page for."""

    @abstractmethod
    def apply(self, row: Row, outcome: str, checkout: Checkout) -> None:
        """Move ``row``, locked by the caller's transaction, to ``outcome`` if that may follow."""

    def reject(self, row: Row) -> None:
        """Do what follows where the bank refuses to open a page."""

    # --- Opening --------------------------------------------------------------------------------

    def begin(self, by: str, **columns: Any) -> Row:
        """A row on record and watched over, in the caller's transaction."""
        row: Row = self.table.create(
            key=secrets.token_urlsafe(24), created_at=clock.now(), **columns
        )
        transitions.record(row, self.started, by=by, to_status=row.status)
        self.watch_later(row)
        return row

    def open(self, row: Row, base_url: str) -> Row:
        """Have the bank open a page for ``row`` (its ``checkout_url``).

        Raises `Refusal` when the bank is silent or opens none.
        """
        request = self.request(
            row,
            return_url=f"{base_url}{self.return_path}/{self.sign(row)}",
            notification_url=f"{base_url}/notifications/bank",
        )
        try:
            checkout = gateways.gateway().start_checkout(request)
        except PartyUnavailable as error:
            log.warning("bank unavailable", of=request.reference, reason=str(error))
            raise Refusal(gateways.SILENT) from error
        except PartyRejected as error:
            log.error("bank refused a checkout", of=request.reference, reason=str(error))
            self.reject(row)
            raise Refusal(gateways.REFUSED) from error
        row.checkout, row.checkout_url = checkout.reference, checkout.url
        row.save()
        return self.settle(row, checkout)

    # --- Following ------------------------------------------------------------------------------

    def refresh(self, row: Row) -> Row:
        """Ask the bank how ``row`` stands and apply its answer.

        Raises `Refusal` when the bank is silent: then nothing is known, and nothing may be begun.
        """
        if not row.checkout:
            return row
        try:
            return self.settle(row, gateways.gateway().find_checkout(row.checkout))
        except PartyUnavailable as error:
            raise Refusal(gateways.SILENT) from error

    def watch(self, row: Row) -> None:
        """Ask the bank about a row whose outcome nobody has told us. Raises `jobs.Later`."""
        if row.is_unsettled and row.checkout:
            row = self.settle(row, gateways.gateway().find_checkout(row.checkout))
        if row.is_unsettled and (row.checkout or self.opens_later):
            raise jobs.Later(gateways.WATCH_EVERY)

    def settle(self, row: Row, checkout: Checkout) -> Row:
        """Apply the bank's answer on ``row``; idempotent: told twice, late or out of order, it
        changes nothing."""
        if checkout.status not in {CheckoutStatus.OPEN, row.status}:
            test_points.point("payment.settle")
            with database.atomic():
                self.apply(lock(row), self.statuses(checkout.status), checkout)
        return self.table.get_by_id(row.id)

    # --- Finding --------------------------------------------------------------------------------

    def by_checkout(self, reference: str) -> Row | None:
        """The row of a checkout at the bank, if it is one of these."""
        found: Row | None = self.table.get_or_none(self.table.checkout == reference)
        return found

    def sign(self, row: Row) -> str:
        """A reference to ``row`` that needs no cookie and cannot be guessed."""
        return str(self._signer().dumps(row.id))

    def by_signature(self, reference: str) -> Row | None:
        """The row of a signed reference; None for a forged one."""
        try:
            row_id = self._signer().loads(reference)
        except BadSignature:
            return None
        found: Row | None = self.table.get_or_none(self.table.id == row_id)
        return found

    def _signer(self) -> URLSafeSerializer:
        return URLSafeSerializer(settings.current().secret_key, salt=self.salt)


def moved_by_bank(row: Row, outcome: str, checkout: Checkout) -> None:
    """Move ``row`` to ``outcome`` for the reason the bank gives."""
    is_over = outcome != CheckoutStatus.PROCESSING
    settled = {"settled_at": clock.now()} if is_over else {}
    reason = checkout.reason[:64]
    transitions.move(row, outcome, by="bank", note=reason, reason=reason, **settled)
