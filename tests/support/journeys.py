"""The order journey without a browser, in either language, by the texts of pages and buttons."""

from __future__ import annotations

import re
from typing import Any

from werkzeug.test import TestResponse

from models import Account, Order
from tests.support import cast
from tests.support.client import CheckingClient
from tests.support.visitor import Visitor


class Shopper(Visitor):
    """A visitor who orders and presses every button by its name in ``language``."""

    def __init__(self, client: CheckingClient, language: str) -> None:
        super().__init__(client)
        self.client: CheckingClient = client
        self.language = language

    def say(self, french: str, english: str) -> str:
        """Return the text in the shopper's language."""
        return french if self.language == "fr" else english

    # --- The steps -------------------------------------------------------------------------------

    def choose(self, business: Any = 0, pro_plus: Any = 0, *, begin: bool = True) -> TestResponse:
        """Enter numbers of licences, on a new page or on the one that is open."""
        if begin:
            self.open(f"/{self.language}/order")
        return self.press(self.say("Commander", "Order"), business=business, pro_plus=pro_plus)

    def carry_on(self) -> TestResponse:
        """Continue from the summary."""
        return self.press(self.say("Poursuivre", "Continue"))

    def identify(self, account: Account, password: str = cast.PASSWORD) -> TestResponse:
        """Sign in within the order."""
        button = self.say("Se connecter", "Log in")
        return self.press(button, nic_handle=account.nic_handle, password=password)

    def register(self, **changes: str) -> TestResponse:
        """Create an account within the order, with ``changes`` to the person of the cast."""
        self.follow(self.say("Créez un compte", "Create an account"))
        person = cast.ALICE if self.language == "fr" else cast.CHARLIE
        form = {name: value for name, value in person.items() if name != "language"}
        passwords = {"password": cast.PASSWORD, "password_confirmation": cast.PASSWORD}
        button = self.say("Créer mon compte", "Create my account")
        return self.press(button, **form | passwords | changes)

    def confirm(self, **changes: Any) -> TestResponse:
        """Accept the contracts and press "Confirm and Pay"."""
        button = self.say("Confirmer et Payer", "Confirm and Pay")
        return self.press(button, **{"accepted": True} | changes)

    def order(self, account: Account, business: int = 2, pro_plus: int = 0) -> Order:
        """Order with an account, from the first step to the purchase order."""
        self.choose(business, pro_plus)
        self.carry_on()
        if self.offers(self.say("Se connecter", "Log in")):
            self.identify(account)
        self.confirm()
        return self.ordered()

    def go_to_bank(self, renewals: str = "self") -> TestResponse:
        """Choose how the renewals are paid, where that is asked, and press "Pay by card"."""
        asked = self.find(id="field-renewals") is not None
        choice = {"renewals": renewals} if asked and renewals else {}
        return self.press(self.say("Payer par carte", "Pay by card"), **choice)

    # --- What the page shows ---------------------------------------------------------------------

    @property
    def step(self) -> str:
        """The step of the current URL: ``summary``, ``identification``, ``contracts`` …"""
        return self.address.partition("?")[0].rsplit("/", 1)[-1]

    def ordered(self) -> Order:
        """The order whose purchase order is open."""
        number = re.search(r"/order/(\d+)", self.address)
        assert number, f"no purchase order: {self.address}, {self.response.status}"
        order: Order = Order.get(Order.number == number[1])
        return order

    def typed(self, name: str) -> str:
        """Return the value of a field of the page."""
        field = self.find("input", id=name)
        assert field is not None, f"no field {name} at {self.address}"
        return field.get("value", "")

    def error_at(self, name: str) -> str:
        """Return the error message at a field; "" if there is none."""
        place = self.find(id=f"{name}-error")
        return " ".join("".join(place.itertext()).split()) if place is not None else ""
