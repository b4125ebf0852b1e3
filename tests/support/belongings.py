"""Everything a customer owns, and the URLs under which the shop shows it.

A route with a parameter that no list here knows fails `tests/whole/test_routes.py`: add its value
to the list it belongs to.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from werkzeug.routing import Rule

from models import (
    Account,
    Attachment,
    Card,
    DataExport,
    ExchangeService,
    ImportAct,
    Invoice,
    LicenceGroup,
    Order,
    OrderLine,
    Passkey,
    Seat,
    SeatImport,
    Session,
)
from records.letters import DocumentKind
from shop import mail
from shop.customers import data_export, email_proofs, password_changes, profile, sessions
from shop.customers.activity_log import Origin
from shop.customers.two_factor import totp
from shop.licences import seats
from shop.licences.seats import import_preview, selections
from shop.orders import baskets
from shop.payments import card_setups, outcomes
from shop.subscriptions import terminations
from tests.support import devices, exchange, letters, purchases
from tests.support.groups import CAMILLE
from tests.support.parties import Bank
from tests.support.remembered import remembered

ELSEWHERE = Origin("203.0.113.9", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0")


@dataclass(frozen=True)
class Belongings:
    """What one customer owns: an unpaid order, a delivered one, and all that came with them.

    Seat 1 of the group is configured, the others are not.
    """

    account: Account
    unpaid: Order
    delivered: Order
    invoice: Invoice
    group: LicenceGroup
    seat_import: SeatImport
    selection: SeatImport
    document: Attachment
    reset_token: str
    address_token: str
    proof_token: str
    payment_reference: str
    session: Session
    passkey: Passkey
    export: DataExport
    exchange: ExchangeService
    card: Card
    card_reference: str
    termination_token: str
    licence_token: str

    def address(self, rule: Rule) -> str:
        """Return a URL of ``rule`` that shows or changes something of this customer."""
        return filled(str(rule), self._owned)

    def is_owned(self, rule: Rule) -> bool:
        """Return whether ``rule`` leads to something that belongs to one customer."""
        return any(piece in str(rule) for piece in self._owned)

    @property
    def _owned(self) -> dict[str, str]:
        """Values of URL parameters that name something of this customer."""
        return {
            "/order/<int:number>": f"/order/{self.unpaid.number}",
            "/orders/<int:number>": f"/orders/{self.unpaid.number}",
            "/bills/<number>": f"/bills/{self.invoice.number}",
            "/emails/<int:letter_id>": f"/emails/{self.document.letter_id}",
            "/documents/<int:attachment_id>": f"/documents/{self.document.id}",
            "/groups/<name>": f"/groups/{self.group.name}",
            "/services/<name>": f"/services/{self.group.name}",
            "/email-address/<token>": f"/email-address/{self.address_token}",
            "/cards/<int:card_id>": f"/cards/{self.card.id}",
            "/sessions/<int:session_id>": f"/sessions/{self.session.id}",
            "/passkeys/<int:passkey_id>": f"/passkeys/{self.passkey.id}",
            "/exchange/<name>": f"/exchange/{self.exchange.name}",
            "/attach/review/fields/<field>": (
                f"/attach/review/fields/login-{self.exchange.accounts.first().id}"
            ),
            "/exports/<int:export_id>": f"/exports/{self.export.id}",
            "/imports/<int:import_id>": f"/imports/{self.seat_import.id}",
            "/selections/<int:import_id>": f"/selections/{self.selection.id}",
            "/groups/<name>/seats/<int:number>": f"/groups/{self.group.name}/seats/1",
            "/groups/<name>/seats/<int:number>/configuration": (
                f"/groups/{self.group.name}/seats/2/configuration"
            ),
            "/groups/<name>/seats/<int:number>/<form_page>/fields/<field>": (
                f"/groups/{self.group.name}/seats/2/configuration/fields/login"
            ),
        }

    @property
    def secret_addresses(self) -> dict[str, str]:
        """URLs with a token that need no sign-in, by endpoint: e-mails and banks send them."""
        return {
            "storefront.password_reset": f"/fr/password/{self.reset_token}",
            "storefront.choose_password": f"/fr/password/{self.reset_token}",
            "storefront.email_proof": f"/fr/email-address/{self.proof_token}",
            "storefront.confirm_email": f"/fr/email-address/{self.proof_token}",
            "storefront.payment_return": f"/payment/return/{self.payment_reference}",
            "storefront.card_return": f"/payment/card/{self.card_reference}",
            "storefront.licence_link": f"/fr/licence/{self.licence_token}",
            "storefront.show_password": f"/fr/licence/{self.licence_token}",
            "storefront.termination": f"/fr/termination/{self.termination_token}",
            "storefront.confirm_termination": f"/fr/termination/{self.termination_token}",
        }


_SHARED = {
    "<language:lang>": "fr",
    "/<slug>": "/office-365-business",
    "<kind>/<int:version>": "general_terms/1",
    "/<any(terms, privacy):name>": "/terms",
    "<path:filename>": "icons/favicon.svg",
    "/order/account/fields/<name>": "/order/account/fields/city",
    "/profile/fields/<name>": "/profile/fields/city",
}
"""Values of URL parameters that are the same for every customer."""


def filled(rule: str, owned: dict[str, str] | None = None) -> str:
    """Return a URL of a route with its parameters filled in.

    Those of the desk name nothing: it opens for no customer, and has tests of its own.
    """
    if rule.startswith("/desk"):
        return re.sub(r"<(\w+:)?\w+>", lambda found: "1" if found[1] == "int:" else "no", rule)
    values = _SHARED | (owned or {})
    for piece in sorted(values, key=len, reverse=True):
        rule = rule.replace(piece, values[piece])
    unknown = re.findall(r"<[^>]*>", rule)
    assert not unknown, f"tests/support/belongings.py has no value for {unknown} in {rule}"
    return rule


@remembered
def furnish(account: Account, bank: Bank, drain: Callable[[], int]) -> Belongings:
    """Create one of everything for a customer; needs the fixtures ``bank`` and ``provider``."""
    delivered = purchases.place(account, purchases.basket(business=3, pro_plus=2))
    purchases.pay(delivered, bank, store_card=True)
    unpaid = purchases.place(account, purchases.basket(business=1))
    payment = purchases.start_paying(unpaid)
    drain()
    password_changes.request_reset(account.nic_handle, "203.0.113.9", purchases.BASE)
    profile.request_email_change(account, "elsewhere@atelier.example", purchases.BASE, ELSEWHERE)
    email_proofs.request(account)
    token = sessions.start_session(account, ELSEWHERE)
    export = data_export.request_export(account, ELSEWHERE)
    totp.begin_enrolment(account)
    drain()
    group = LicenceGroup.get(LicenceGroup.account == account)
    seat = Seat.get(Seat.group == group, Seat.number == 1)
    seats.configure(seat, seat.version, CAMILLE, account.nic_handle, "camille@home.example")
    drain()
    return Belongings(
        account=account,
        unpaid=unpaid,
        delivered=delivered,
        invoice=Invoice.get(Invoice.order == delivered),
        group=group,
        seat_import=import_preview.prepare_import(group, "people.csv", b"Zoe,Moreau,zoe\n,,x\n"),
        selection=selections.prepare_selection(group, ImportAct.PASSWORD, [1]),
        document=Attachment.get(
            Attachment.letter == letters.the(account, "order_placed"),
            Attachment.document == DocumentKind.PURCHASE_ORDER,
        ),
        reset_token=token_of(account, "password_reset"),
        address_token=token_of(account, "email_confirmation"),
        proof_token=token_of(account, "email_proof"),
        payment_reference=outcomes.CHECKOUTS.sign(payment),
        session=sessions.find_session(token),
        passkey=devices.passkey_of(account),
        export=export,
        exchange=exchange.service(account),
        card=Card.get(Card.account == account),
        card_reference=card_setups.CHECKOUTS.sign(exchange.registering(account)),
        termination_token=termination_token_of(account, delivered),
        licence_token=token_of(account, "licence_link"),
    )


def token_of(account: Account, kind: str) -> str:
    """Return the token of the link in the newest e-mail of a kind."""
    html = mail.html_of(letters.the(account, kind))
    found = re.search(r"/(?:password|email-address|licence)/([\w.-]{40,})", html)
    assert found, "no link in the e-mail"
    return found[1]


def termination_token_of(account: Account, order: Order) -> str:
    """Return the token a business gets for terminating the last group of ``order``."""
    group = LicenceGroup.select().join(OrderLine).where(OrderLine.order == order)
    purchases.by_a_business(account)
    terminations.request_termination(
        group.order_by(LicenceGroup.id.desc()).get(), by=account.nic_handle
    )
    purchases.by_a_consumer(account)
    html = mail.html_of(letters.the(account, "termination_link"))
    return next(link for link in letters.links(html) if "/termination/" in link).rsplit("/", 1)[-1]


def basket_in_address(business: int = 2, pro_plus: int = 1) -> dict[str, object]:
    """Return a basket as the query string of the order's steps."""
    return {"basket": baskets.new_name(), "business": business, "pro_plus": pro_plus}
