"""Prices as shown before an order: with VAT for everybody who is not known to be a business.

Consumers are shown the price with all taxes (code de la consommation, article L112-1); businesses
compare prices without.
"""

from __future__ import annotations

from dataclasses import dataclass

from records.accounts import Account
from shop import vat
from shop.pricing import money


@dataclass(frozen=True)
class ShownVat:
    """The VAT shown beside a price; ``rate`` is in basis points.

    ``is_estimate`` where the customer, and so the rate, is not known yet.
    """

    rate: int
    is_estimate: bool

    def gross(self, net_cents: int) -> int:
        """Return a price with VAT, in cents."""
        return net_cents + money.vat_on(net_cents, self.rate)


def vat_beside_prices(account: Account | None) -> ShownVat | None:
    """Return the VAT to show beside prices; None for a business."""
    if account is None:
        return ShownVat(vat.french_estimate().rate, is_estimate=True)
    if account.is_business:
        return None
    return ShownVat(vat.treatment_of(vat.place_of(account)).rate, is_estimate=False)
