"""A customer who orders, pays and activates a licence, and tries again whatever fails."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping

import httpx

from bench.customer import CARD, DELIVERED, Customer
from bench.stopwatch import Stopwatch
from bench.visitor import JourneyFailed

PAUSE = 0.5
"""Seconds until a customer tries again."""

GROUP = re.compile(r"/manager/groups/([\w-]+)")


EXPIRED = "Expirée"
"""What the page of an order says that was not paid in time."""


class OrderExpired(Exception):
    """The order was not paid before its end, as when the clock moves on by months."""


class Buyer(Customer):
    """A customer, with or without an account, who tries again until ``gives_up``."""

    def __init__(
        self, url: str, account: Mapping[str, str] | None, gives_up: Callable[[], bool]
    ) -> None:
        super().__init__(url, Stopwatch(), account)
        self._gives_up = gives_up
        self._login = account["nic_handle"].split("-")[0] if account else "camille.dupont"

    def buy(self, *, adding: bool) -> None:
        """Order two licences, pay, wait for them and give one to a person; perhaps add one more."""
        with self._browser:
            while not self._is_bought():
                pass
            self._insist("activate", self._activate)
            if adding:
                self._insist("add", self._add)
                added = str(self._page.url)
                self._insist("pay what was added", lambda: self._pay_order(added))

    def _is_bought(self) -> bool:
        """Order, pay and wait for the licences; return False if the order expired before."""
        self._insist("order", self._order)
        order = str(self._page.url)
        try:
            self._insist("pay", lambda: self._pay_order(order))
            self._insist("wait for the licences", lambda: self._is_delivered(order))
        except OrderExpired:
            return False
        return True

    def _insist(self, step: str, act: Callable[[], None]) -> None:
        while True:
            try:
                self._return()
                act()
            except (JourneyFailed, httpx.HTTPError, LookupError) as error:
                if self._gives_up():
                    raise JourneyFailed(f"{step}: {error}") from error
                time.sleep(PAUSE)
            else:
                return

    def _return(self) -> None:
        """Sign in again where the session has ended, as it does when months pass."""
        if self._account is not None and 'action="/login' in self._page.text:
            given = {name: self._account[name] for name in ("nic_handle", "password")}
            self._press("sign in again", "Se connecter", **given)

    def _order(self) -> None:
        self._open("quantities", "/fr/order?offer=business")
        self._press("summary", "Commander", business="2", pro_plus="0")
        self._press("identification", "Poursuivre")
        if "Se connecter" in self._page.text and "Confirmer et Payer" not in self._page.text:
            self._sign_in()
        self._confirm()

    def _pay_order(self, order: str) -> None:
        self._open("order", order)
        if "Payer par carte" not in self._page.text:
            return
        asked = {"renewals": "self"} if 'name="renewals"' in self._page.text else {}
        self._press("to the bank", "Payer par carte", **asked)
        self._press("pay and return", "Payer", **CARD)
        raise JourneyFailed("the payment is not confirmed yet")

    def _is_delivered(self, order: str) -> None:
        self._open("order", order)
        if EXPIRED in self._page.text:
            raise OrderExpired(order)
        self._expect("order", DELIVERED)

    def _group(self) -> str:
        self._open("groups", "/manager/web")
        found = GROUP.search(self._page.text)
        if found is None:
            raise JourneyFailed("no group is listed")
        return found[1]

    def _activate(self) -> None:
        group = self._group()
        self._open("licences", f"/manager/groups/{group}")
        if f"{self._login}@" in self._page.text:
            return
        self._press("add a person", "Ajouter un utilisateur")
        self._press(
            "configure", "Valider", first_name="Camille", last_name="Dupont", login=self._login
        )

    def _add(self) -> None:
        self._open("order form", f"/manager/order/office?group={self._group()}&offer=business")
        self._press("choose", "Poursuivre", quantity="1")
        self._press("generate", "Générer le bon de commande", accepted="yes")
        self._expect("purchase order", "Payer par carte")
