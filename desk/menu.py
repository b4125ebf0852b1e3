"""The menu of the desk: each shows what their role opens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from desk import roles


@dataclass(frozen=True)
class Entry:
    """A page in the menu; ``part`` is what its pages set as ``part`` to be shown as current."""

    endpoint: str
    label: Any
    symbol: str
    part: str


MENU = (
    Entry("desk.today", _l("Today"), "calendar", "today"),
    Entry("desk.search", _l("Customers"), "search", "customers"),
    Entry("desk.waiting_acts", _l("Money"), "card", "money"),
    Entry("desk.accounting", _l("Accounting"), "file", "accounting"),
    Entry("desk.offer_list", _l("Offers"), "grid", "offers"),
    Entry("desk.price_list", _l("Prices"), "cart", "prices"),
    Entry("desk.announcements", _l("Announcements"), "info", "announcements"),
    Entry("desk.contract_versions_list", _l("Contracts"), "file", "contracts"),
    Entry("desk.data", _l("Personal data"), "shield", "data"),
    Entry("desk.staff_accounts", _l("Staff"), "users", "staff"),
    Entry("desk.own_account", _l("My account"), "user", "own_account"),
)
"""In the order of the menu; the first one that a member may open is their home."""


def menu_of(role: str) -> list[Entry]:
    """Return the entries for a role."""
    return [entry for entry in MENU if roles.may(role, entry.endpoint)]
