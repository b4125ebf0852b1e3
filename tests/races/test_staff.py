"""Members of staff invited at the same moment: each once, under a login of their own."""

from __future__ import annotations

import pytest

from models import Role, StaffAccount
from shop.errors import Conflict
from shop.staff import accounts
from tests.support import racing


@pytest.mark.usefixtures("app")
def test_two_of_one_name_get_a_login_each() -> None:
    addresses = [f"lea@{company}.example" for company in ("nuage", "orage", "soleil", "vent")]
    left = list(addresses)
    racing.race(lambda: accounts.add(left.pop(), Role.SUPPORT), len(addresses))
    found = {row.email: row.login for row in StaffAccount.select()}
    assert sorted(found) == sorted(addresses)
    assert sorted(found.values()) == ["lea", "lea2", "lea3", "lea4"]


@pytest.mark.usefixtures("app")
def test_one_address_gets_one_account() -> None:
    outcomes = racing.race(lambda: accounts.add("lea@nuage.example", Role.SUPPORT), 4)
    assert StaffAccount.select().count() == 1
    assert sum(isinstance(each, Conflict) for each in outcomes) == 3
