"""Every module that handles jobs, so that web servers can queue them and workers run them."""

from shop import mail
from shop.customers import data_export, passwords
from shop.delivery import additions, installation, seat_jobs
from shop.invoicing import order_invoices
from shop.licences.seats import import_job
from shop.orders import orders
from shop.payments import outcomes, payments, refunds
from shop.subscriptions import dunning, ending, give_backs, previews, renewals, suspension
from shop.vat import confirmation

__all__ = [
    "additions", "confirmation", "data_export", "dunning", "ending", "give_backs", "import_job",
    "installation", "mail", "order_invoices", "orders", "outcomes", "passwords", "payments",
    "previews", "refunds", "renewals", "seat_jobs", "suspension",
]  # fmt: skip
