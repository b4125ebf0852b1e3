"""Every module that handles jobs, so that web servers can queue them and workers run them."""

from shop import accounts, exports, mail, ordering, vat_numbers
from shop.billing import (
    dunning,
    endings,
    give_backs,
    order_invoices,
    previews,
    renewals,
    standing,
)
from shop.payment import payments, refunds, settling
from shop.provisioning import activation, enlarging, installation
from shop.seats import importing

__all__ = [
    "accounts", "activation", "dunning", "endings", "enlarging", "exports", "give_backs",
    "importing", "installation", "mail", "order_invoices", "ordering", "payments", "previews",
    "refunds", "renewals", "settling", "standing", "vat_numbers",
]  # fmt: skip
