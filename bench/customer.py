"""A simulated customer: orders licences, pays, and waits until they are installed."""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from html import unescape
from urllib.parse import urlsplit

from bench.client import Page
from bench.stopwatch import Stopwatch
from bench.visitor import JourneyFailed, Visitor

INSTALLATION_TIMEOUT = 120.0
"""Seconds until an order that is not installed is an error."""

POLL = 0.5
"""Seconds between two polls of the order; the page itself polls every two seconds."""

CARD = {"number": "4242 4242 4242 4242", "expiry": "12/34", "code": "123"}
PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}

REFUSED = (409, 422, 503)
"""Statuses with which the shop says that something cannot be done now."""

REFRESH = re.compile(r'hx-get="([^"]+)" hx-trigger="every ')
"""What the page of an order asks for while it waits."""

PAGES = {
    "home": "/fr/",
    "offer page": "/fr/office-365-business",
    "quantities": "/fr/order",
    "sign-in": "/login",
}

DELIVERED = "Finalisée"
FAILED = ("Annulée", "Expirée", "Remboursée", "Échec de la livraison")


class Room:
    """Room for as many customers at a time, any number by default."""

    def __init__(self, places: int | None = None) -> None:
        self._places = threading.Semaphore(places) if places else None

    def taken(self) -> AbstractContextManager[object]:
        """Take a place while the block runs; wait for one."""
        return self._places or nullcontext()

    @contextmanager
    def left(self) -> Iterator[None]:
        """Leave the place while the block runs."""
        if self._places:
            self._places.release()
        try:
            yield
        finally:
            if self._places:
                self._places.acquire()


class Customer(Visitor):
    """A customer of the shop at ``url``, with an HTTP client and cookies of its own.

    ``account`` holds the ``nic_handle`` and ``password`` of an existing account; without it the
    customer registers. One that is patient comes again when the shop is too busy; one that waits
    for the installation leaves its place in ``room`` to another. ``to_order`` is the number of its
    requests to the shop until it saw the paid order.
    """

    def __init__(
        self,
        url: str,
        stopwatch: Stopwatch,
        account: Mapping[str, str] | None = None,
        *,
        is_patient: bool = False,
        room: Room | None = None,
    ) -> None:
        super().__init__(url, stopwatch, is_patient=is_patient)
        self._account = account
        self._room = room or Room()
        self.to_order = 0

    def choose(self) -> str:
        """Go from the home page to the summary; return its address."""
        self._choose()
        return self._page.url

    def order(self) -> None:
        """Go from the home page to installed licences, and open the received e-mails."""
        with self._room.taken(), self._browser, self._stopwatch.step("whole journey"):
            self._choose()
            self._identify()
            self._confirm()
            self._pay()
            self.to_order = self.requests
            self._wait()
            self._read_emails()

    def place(self) -> None:
        """Go from the home page to the purchase order, which is not paid."""
        self._choose()
        self._identify()
        self._confirm()

    def begin_payment(self) -> bool:
        """Ask for the bank's page. Return whether it came; the order can be paid again if not."""
        order = self._page
        try:
            self._press("to the bank", "Payer par carte", renewals="self")
        except JourneyFailed:
            if self._page.status not in REFUSED:
                raise
        came = self._page.status == 200 and not self._is_at(order)
        self._page = order
        return came

    def _is_at(self, page: Page) -> bool:
        return urlsplit(self._page.url).netloc == urlsplit(page.url).netloc

    def look_around(self) -> None:
        """Open pages that need no outside party."""
        for name, address in PAGES.items():
            self._open(name, address)

    def _choose(self) -> None:
        self._open("home", "/fr/")
        self._open("offer page", "/fr/office-365-business")
        self._open("quantities", "/fr/order?offer=business")
        page = self._page
        self._open("totals while typing", "/fr/order/totals?business=5&pro_plus=2", PARTIAL)
        self._page = page
        self._press("to the summary", "Commander", business="5", pro_plus="2")

    def _identify(self) -> None:
        self._press("to the identification", "Poursuivre")
        self._sign_in()

    def _sign_in(self) -> None:
        if self._account is not None:
            given = {name: self._account[name] for name in ("nic_handle", "password")}
            self._press("sign in", "Se connecter", **given)
        else:
            self._follow("new account", "Créez un compte")
            self._press("register", "Créer mon compte", **_new_customer())
        self._expect("contracts", "Confirmer et Payer")

    def _confirm(self) -> None:
        self._press("confirm", "Confirmer et Payer", accepted="yes")
        self._expect("purchase order", "Payer par carte")

    def _pay(self) -> None:
        order = self._page.url
        self._press("to the bank", "Payer par carte", renewals="self")
        self._press("pay and return", "Payer", **CARD)
        # The bank sends the customer back with a reference to the payment.
        if self._page.url.partition("?")[0] != order:
            raise JourneyFailed(f"pay and return: at {self._page.url} instead of {order}")

    def _wait(self) -> None:
        """Poll the order, as its page does, until it is installed."""
        address, began = f"{self._page.url.partition('?')[0]}/status", time.perf_counter()
        while DELIVERED not in self._page.text:
            if refresh := REFRESH.search(self._page.text):
                address = unescape(refresh[1])
            failed = [word for word in FAILED if word in self._page.text]
            if failed or time.perf_counter() - began > INSTALLATION_TIMEOUT:
                raise JourneyFailed(f"installation: {failed or 'not installed in time'}: {address}")
            with self._room.left():
                time.sleep(POLL)
            self._open("look at the order", address, PARTIAL)
        self._stopwatch.add("paid to installed", time.perf_counter() - began)

    def _read_emails(self) -> None:
        self._open("received e-mails", "/manager/account/emails")
        self._expect("received e-mails", "installé")


def _new_customer() -> dict[str, str]:
    """Return the registration form of a new, unique customer."""
    password = secrets.token_urlsafe(12) + "-A1"
    return {
        "first_name": "Camille",
        "last_name": "Mesure",
        "email": f"bench-{secrets.token_hex(8)}@example.com",
        "password": password,
        "password_confirmation": password,
        "street": "12 rue des Lilas",
        "postcode": "59800",
        "city": "Lille",
        "country": "FR",
    }
