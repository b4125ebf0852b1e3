"""The links in e-mails: public URLs of the shop's pages."""

from __future__ import annotations

from dataclasses import dataclass

from records.catalogue import Contract
from records.groups import LicenceGroup
from records.imports import SeatImport
from records.invoices import Invoice
from records.orders import Order


@dataclass(frozen=True)
class Links:
    """URLs of the shop's pages under ``base`` (scheme and host), in ``language``."""

    base: str
    language: str

    @property
    def log_in(self) -> str:
        """The sign-in page."""
        return f"{self.base}/login"

    @property
    def new_password(self) -> str:
        """The page for a forgotten password."""
        return f"{self.base}/{self.language}/password"

    @property
    def new_order(self) -> str:
        """The first page of a new order."""
        return f"{self.base}/{self.language}/order"

    @property
    def customer_area(self) -> str:
        """The home of the manager."""
        return f"{self.base}/manager/web"

    @property
    def emails(self) -> str:
        """The list of all e-mails ("Emails reçus")."""
        return f"{self.base}/manager/account/emails"

    @property
    def security(self) -> str:
        """The page of password, two-factor sign-in and sessions."""
        return f"{self.base}/manager/account/security"

    @property
    def data_export(self) -> str:
        """The page on which a data export is requested and downloaded."""
        return f"{self.base}/manager/account/data"

    @property
    def cards(self) -> str:
        """The page of the stored cards, where one is removed."""
        return f"{self.base}/manager/account/cards"

    @property
    def bills(self) -> str:
        """The list of all invoices ("Mes factures")."""
        return f"{self.base}/manager/account/bills"

    @property
    def desk(self) -> str:
        """The sign-in page of members of staff."""
        return f"{self.base}/desk"

    @property
    def desk_account(self) -> str:
        """The page of a member's own account at the desk."""
        return f"{self.base}/desk/account"

    def staff_invitation(self, token: str) -> str:
        """Return the one-time link by which a member of staff sets up their account."""
        return f"{self.base}/desk/invitation/{token}"

    def legal(self, name: str) -> str:
        """Return a legal page: legal-notice, terms, privacy, mediation or contact."""
        return f"{self.base}/{self.language}/{name}"

    def contract(self, contract: Contract) -> str:
        """Return the page of one version of a contract."""
        return f"{self.base}/{contract.language}/contracts/{contract.kind}/{contract.version}"

    def purchase_order(self, order: Order) -> str:
        """Return the page on which ``order`` is paid and its progress shown."""
        return f"{self.base}/{self.language}/order/{order.number}"

    def own_order(self, order: Order) -> str:
        """Return the page of ``order`` in "Mes commandes", where a failed delivery is retried."""
        return f"{self.base}/manager/account/orders/{order.number}"

    def email_proof(self, token: str) -> str:
        """Return the one-time link that confirms the e-mail address of a new account."""
        return f"{self.base}/{self.language}/email-address/{token}"

    def licence(self, token: str) -> str:
        """Return the one-time link that shows the password of a licence."""
        return f"{self.base}/{self.language}/licence/{token}"

    def seat_import(self, made: SeatImport) -> str:
        """Return the page of a file of people or of a selection, with its passwords."""
        kind = "imports" if made.is_of_file else "selections"
        return f"{self.base}/manager/groups/{made.group.name}/{kind}/{made.id}"

    def termination(self, token: str) -> str:
        """Return the one-time link that confirms the termination of a service."""
        return f"{self.base}/{self.language}/termination/{token}"

    def bill(self, invoice: Invoice) -> str:
        """Return the page of ``invoice`` in "Mes factures", where it is paid."""
        return f"{self.base}/manager/account/bills/{invoice.number}"

    def service(self, group: LicenceGroup) -> str:
        """Return the page of a service in "Mes services", where it is paid and its card chosen."""
        return f"{self.base}/manager/services/{group.name}"

    def group(self, group: LicenceGroup) -> str:
        """Return the page with the licences of ``group``."""
        return f"{self.base}/manager/groups/{group.name}"

    def unused(self, group: LicenceGroup) -> str:
        """Return the page of the licences of ``group`` that nobody uses."""
        return f"{self.base}/manager/groups/{group.name}/unused"
