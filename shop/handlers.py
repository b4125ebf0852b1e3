"""Every module that handles jobs, so that web servers can queue them and workers run them."""

from shop import accounts, exports, mail, ordering, vat_numbers
from shop.billing import invoices
from shop.payment import cards, payments, refunds
from shop.provisioning import activation, enlarging, installation
from shop.seats import imports

__all__ = [
    "accounts", "activation", "cards", "enlarging", "exports", "imports", "installation",
    "invoices", "mail", "ordering", "payments", "refunds", "vat_numbers",
]  # fmt: skip
