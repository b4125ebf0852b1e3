"""The customers of the tests: alice buys, bob is her colleague, charlie is a stranger."""

from __future__ import annotations

from typing import Any

from models import Account
from shop.customers import registration
from tests.support.remembered import remembered

PASSWORD = "Correct-Horse-7"

ALICE = {
    "first_name": "Alice",
    "last_name": "Lefèvre",
    "email": "alice@atelier.example",
    "street": "12 rue des Lilas",
    "postcode": "59800",
    "city": "Lille",
    "country": "FR",
    "language": "fr",
}
BOB = ALICE | {"first_name": "Bob", "last_name": "Moreau", "email": "bob@atelier.example"}
CHARLIE = {
    "first_name": "Charlie",
    "last_name": "O’Brien",
    "email": "charlie@elsewhere.example",
    "street": "1 Harbour Street",
    "postcode": "D02 XY45",
    "city": "Dublin",
    "country": "IE",
    "language": "en",
}


@remembered
def register(person: dict[str, Any], **changes: Any) -> Account:
    """Register ``person`` as a customer with ``PASSWORD``, whose e-mail address is proved."""
    return registration.register(
        registration.Registration(**person | {"password": PASSWORD} | changes), is_proved=True
    )
