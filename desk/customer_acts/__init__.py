"""What members of staff do for a customer: with a reason, confirmed, and on record."""

from desk.customer_acts import accounts, orders, services

__all__ = ["accounts", "orders", "services"]
