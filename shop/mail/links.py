"""Where the links of a letter lead: addresses of the shop, as the outside world knows it."""

from __future__ import annotations

from dataclasses import dataclass

from records.groups import LicenceGroup
from records.invoices import Invoice
from records.orders import Order


@dataclass(frozen=True)
class Addresses:
    """The shop's pages under ``base`` (scheme and host), in ``language``."""

    base: str
    language: str

    @property
    def log_in(self) -> str:
        """Where customers sign in."""
        return f"{self.base}/login"

    @property
    def new_password(self) -> str:
        """Where a forgotten password is replaced."""
        return f"{self.base}/{self.language}/password"

    @property
    def new_order(self) -> str:
        """Where an order begins."""
        return f"{self.base}/{self.language}/order"

    @property
    def customer_area(self) -> str:
        """The home of the manager."""
        return f"{self.base}/manager/web"

    @property
    def emails(self) -> str:
        """Where every letter is kept ("Emails reçus")."""
        return f"{self.base}/manager/account/emails"

    @property
    def security(self) -> str:
        """Where password, second step and sessions are looked after."""
        return f"{self.base}/manager/account/security"

    @property
    def data_export(self) -> str:
        """Where a copy of all data is asked for and downloaded."""
        return f"{self.base}/manager/account/data"

    def purchase_order(self, order: Order) -> str:
        """The page on which ``order`` is paid and followed."""
        return f"{self.base}/{self.language}/order/{order.number}"

    def own_order(self, order: Order) -> str:
        """``order`` among "Mes commandes", where a failed delivery can be asked for again."""
        return f"{self.base}/manager/account/orders/{order.number}"

    def termination(self, token: str) -> str:
        """Where a one-time link confirms the end of a service."""
        return f"{self.base}/{self.language}/termination/{token}"

    def bill(self, invoice: Invoice) -> str:
        """``invoice`` among "Mes factures", where it is paid."""
        return f"{self.base}/manager/account/bills/{invoice.number}"

    def group(self, group: LicenceGroup) -> str:
        """The licences of ``group``."""
        return f"{self.base}/manager/groups/{group.name}"
