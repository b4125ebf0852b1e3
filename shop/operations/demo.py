"""Demo data: offers, contracts and customers."""

from __future__ import annotations

import secrets

from records.accounts import Account
from records.languages import Language
from records.staff import Role, StaffAccount
from shop.customers import passwords, registration
from shop.exchange import importing
from shop.exchange.source import Mailbox
from shop.orders import baskets, contracts
from shop.orders.placing import Confirmation
from shop.payments import payments
from shop.pricing import catalogue
from shop.security import one_time_codes
from shop.staff import accounts
from shop.text.folding import fold

DEMO_EMAIL = "camille.martin@example.com"
DEMO_STAFF = "dominique@nuage.example"
DEMO_PASSWORD = "Bienvenue-2026"

_PEOPLE: dict[str, tuple[str, ...]] = {
    Language.FRENCH: ("Camille", "Martin", "12 rue des Lilas", "59800", "Lille", "FR"),
    Language.ENGLISH: ("Alex", "Murphy", "12 Harbour Street", "D02 XY45", "Dublin", "IE"),
}


def publish() -> None:
    """Publish the shipped offers and contracts; idempotent."""
    catalogue.publish_shipped()
    contracts.publish_shipped()


def load_demo() -> tuple[Account, str]:
    """Create the demo data; idempotent. Return the demo account and its password."""
    publish()
    existing = Account.get_or_none(Account.email == DEMO_EMAIL)
    account = existing or _register(Language.FRENCH, DEMO_EMAIL, DEMO_PASSWORD, "")
    create_exchange_service(account)
    _add_member_of_staff()
    return account, DEMO_PASSWORD


def member_of_staff() -> tuple[StaffAccount, str] | None:
    """Return the demo's administrator and the secret of their application; None if changed.

    The secret is random and made once; `load_demo` creates the account.
    """
    staff = accounts.find_member(DEMO_STAFF)
    if staff is None or staff.authenticator_at is None:
        return None
    if not passwords.matches(staff.password_hash, DEMO_PASSWORD):
        return None
    return staff, accounts.secret_of(staff)


def _add_member_of_staff() -> None:
    if accounts.find_member(DEMO_STAFF) is not None:
        return
    _, token = accounts.add(DEMO_STAFF, Role.ADMINISTRATOR)
    invitation = accounts.find_invitation(token)
    assert invitation is not None
    shown = one_time_codes.code_of(accounts.secret_of(invitation.staff), step=-1)
    accounts.accept(invitation, DEMO_PASSWORD, DEMO_PASSWORD, shown)


def new_account(language: str, licences: int = 0, *, with_exchange: bool = False) -> dict[str, str]:
    """Create an account for one caller; return its nic-handle, password and e-mail address.

    With ``licences`` (at most 300), it has a paid order for a group of that many Business licences;
    with ``with_exchange``, the demo's Exchange service.
    """
    publish()
    password = secrets.token_urlsafe(12) + "-A1"
    email = f"demo-{secrets.token_hex(6)}@example.com"
    account = _register(language if language in _PEOPLE else Language.FRENCH, email, password, "")
    if licences:
        _order(account, licences)
    if with_exchange:
        create_exchange_service(account)
    return {"nic_handle": account.nic_handle, "password": password, "email": email}


def _order(account: Account, licences: int) -> None:
    basket = baskets.Basket(baskets.new_name(), {"business": licences, "pro_plus": 0})
    seen = Confirmation(
        total_cents=baskets.quote(basket, catalogue.offers(), account).totals.total_cents,
        contract_digests=tuple(
            each.digest for each in contracts.current_contracts(account.language)
        ),
        ip_address="127.0.0.1",
        language=account.language,
    )
    payments.record_manual_payment(baskets.place_order(account, basket, seen), by="demo")


# --- An Exchange service ---------------------------------------------------------------------

DOMAIN = "atelier-lumiere.example"
BRANCH = "lille.atelier-lumiere.example"

SHARED = ("contact", "facturation")
"""The local parts of shared mailboxes."""

_HOLDERS = """
    Aïcha Benali, Alban d’Hérouville, Anaïs Lefèvre, Anne-Sophie Vandermeersch, Antoine Girard,
    Baptiste Noël, Béatrice Faure, Bérénice Åkerström, Brendan O’Connor, Camille Martin,
    Chloé Fontaine, Clément Dubois, Dorothée Le Gall, Élodie Marchand, Émile N’Diaye,
    Fabrice Roussel, François Müller, Gaëlle Kerbrat, Hélène Castaing, Inès García,
    Jean-Baptiste de La Rochefoucauld, Jérôme Petit, Joséphine Blanchard, Karim Haddad,
    Léa Moreau, Loïc Guillou, Maëlys Perrin, Marie-Ève Tremblay, Noémie Lambert, Olivier Renard,
    Patrick O’Sullivan, Quentin Barbier, Raphaël Lemoine, Saïd Mansouri, Séverine Colin,
    Thaïs Gauthier, Zoé Lefèvre
"""
"""The holders of mailboxes: with accents, apostrophes, and a name too long for a login."""


def create_exchange_service(account: Account) -> None:
    """Create a customer's demo Exchange service of 40 mailboxes; idempotent."""
    importing.import_from(account, f"exchange-{account.nic_handle}", _DemoCompany())


class _DemoCompany:
    """The demo's mailboxes as a source; one person has two, in two domains, with one local part."""

    def mailboxes(self) -> list[Mailbox]:
        """Return 37 personal mailboxes, a second one of one person, and two shared mailboxes."""
        people = [self._of(*name.strip().split(" ", 1)) for name in _HOLDERS.split(",")]
        twice = Mailbox(f"camille.martin@{BRANCH}", "Camille", "Martin", 10)
        return [*people, twice, *(Mailbox(f"{name}@{DOMAIN}", size_gb=50) for name in SHARED)]

    def _of(self, first_name: str, last_name: str) -> Mailbox:
        whole = last_name.replace("O’", "O'")
        local = f"{_plain(first_name)}.{_plain(whole)}"
        return Mailbox(f"{local}@{DOMAIN}", first_name, last_name, 100 if len(local) % 3 else 50)


def _plain(name: str) -> str:
    """Return a name as e-mail addresses spell it, without accents and spaces.

    The apostrophe of O'Connor is kept.
    """
    return "'".join(fold(part.replace("’", "")).replace(" ", "-") for part in name.split("'"))


def _register(language: str, email: str, password: str, company: str) -> Account:
    first_name, last_name, street, postcode, city, country = _PEOPLE[language]
    return registration.register(
        registration.Registration(
            first_name=first_name,
            last_name=last_name,
            email=email,
            password=password,
            street=street,
            postcode=postcode,
            city=city,
            country=country,
            language=language,
            company=company,
        ),
        is_proved=True,
    )
