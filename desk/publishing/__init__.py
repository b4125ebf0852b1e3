"""What administrators publish: offers, prices, announcements and versions of contracts."""

from desk.publishing import announcements, contracts, offers, prices

__all__ = ["announcements", "contracts", "offers", "prices"]
