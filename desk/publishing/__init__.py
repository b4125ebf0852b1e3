"""What administrators publish: prices, announcements and versions of contracts."""

from desk.publishing import announcements, contracts, prices

__all__ = ["announcements", "contracts", "prices"]
