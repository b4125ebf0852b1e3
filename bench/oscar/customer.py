"""A simulated customer of Oscar: chooses a product, orders it, and opens the order history."""

from __future__ import annotations

import secrets

from bench.oscar.accounts import ADDRESS, PASSWORD, PRODUCTS, email_of
from bench.stopwatch import Stopwatch
from bench.visitor import JourneyFailed, Visitor

TITLE = PRODUCTS["business"][0]
QUANTITY = "5"
DEFAULT_ADDRESS = "Ship to your default shipping address"


class Customer(Visitor):
    """A customer of Oscar at ``url``.

    ``number`` is that of the account of somebody who signs in; without it the customer registers.
    """

    def __init__(self, url: str, stopwatch: Stopwatch, number: int | None = None) -> None:
        super().__init__(url, stopwatch)
        self._number = number

    def order(self) -> None:
        """Go from the home page to the order history, by way of an order."""
        with self._browser, self._stopwatch.step("whole journey"):
            self._choose()
            if self._number is None:
                self._register()
            else:
                self._sign_in(email_of(self._number))
            self._confirm()

    def _choose(self) -> None:
        self._open("home", "/catalogue/")
        self._follow("product", TITLE)
        self._press("add to basket", "Add to basket", quantity=QUANTITY)
        self._open("basket", "/basket/")
        self._expect("basket", TITLE)
        self._follow("checkout", "Proceed to checkout")

    def _register(self) -> None:
        """Enter the account and the address."""
        email, password = f"bench-{secrets.token_hex(8)}@example.com", secrets.token_urlsafe(12)
        entered = {"email": email, "password1": password, "password2": password}
        self._press("register", "Register", **_prefixed("registration", entered))
        self._press("address", "Continue", **ADDRESS)

    def _sign_in(self, email: str) -> None:
        """Sign in, and choose the address of the account."""
        entered = {"username": email, "password": PASSWORD}
        self._press("sign in", "Log In", **_prefixed("login", entered))
        self._press("address", DEFAULT_ADDRESS)

    def _confirm(self) -> None:
        self._follow("preview", "Continue")
        self._press("place the order", "Place order")
        if not self._page.url.endswith("/checkout/thank-you/"):
            raise JourneyFailed(f"place the order: at {self._page.url}")
        self._open("order history", "/accounts/orders/")
        self._expect("order history", "<td>5</td>")


def _prefixed(form: str, fields: dict[str, str]) -> dict[str, str]:
    return {f"{form}-{name}": value for name, value in fields.items()}
