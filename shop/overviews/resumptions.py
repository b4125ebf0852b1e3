"""What paying for a suspended service, or keeping it, starts: shown before the customer does it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from records.cards import Card
from records.invoices import Invoice
from shop.invoicing import account_credits
from shop.overviews.services import ServiceOverview
from shop.pricing.periods import Period
from shop.subscriptions import coming, period_billing, resumption
from shop.subscriptions.coming import NOTHING, Settlement
from shop.subscriptions.renewal_price import Preview


@dataclass(frozen=True)
class Resumption:
    """A suspended service, and what its resumption charges at once (``charged``, to ``card``).
    ``settlement`` says what of that the customer's balance pays.

    ``hold_reason`` is the operator's, whose suspension payment does not end. ``ends_on`` is the day
    on which the service ends without being resumed, as its customer asked. ``when_kept`` says that
    it is paid, and resumes if the end is undone.
    """

    hold_reason: str
    ends_on: date | None
    when_kept: bool
    charged: list[Preview]
    card: Card | None
    settlement: Settlement = NOTHING

    @property
    def period(self) -> Period:
        """The days that this amount is for."""
        return Period(self.charged[0].period.start, self.charged[-1].period.end)


def of_service(shown: ServiceOverview, unpaid: list[Invoice]) -> Resumption | None:
    """Return what resumes a suspended service with these unpaid invoices; None for any other."""
    row = shown.subscription
    if not row.is_suspended:
        return None
    if row.is_held:
        return Resumption(row.hold_reason, None, False, [], None)
    ahead, end = shown.paid_ahead, shown.termination
    ends_on = end.day if end and resumption.ends_unresumed(row, end, ahead) else None
    kept = ends_on is not None and resumption.resumes_when_kept(row, unpaid)
    is_ending = resumption.is_wanted(end) and not kept
    charged = [] if is_ending else period_billing.due_on_resumption(row, ahead)
    available = account_credits.available_of(row.account) if charged else 0
    paid = coming.settled_together(charged, available)
    return Resumption("", ends_on, kept, charged, shown.card, paid)
