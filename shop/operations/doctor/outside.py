"""The outside parties: mail server, bank, Office provider, VAT registry, and their clocks."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import httpx
from peewee import PostgresqlDatabase

from records.base import database
from shop import clock, settings
from shop import database as shop_database
from shop.errors import PartyRejected, PartyUnavailable
from shop.mail import smtp
from shop.office import configured, stock
from shop.office.graph import GraphProvider
from shop.operations.doctor.findings import Finding, fault, ok, warning
from shop.payments import gateways
from shop.payments.stripe import StripeGateway
from shop.vat import registry
from shop.vat.registry import Answer

TIMEOUT = 10
SKEW = 5
"""Seconds that a clock may be off: codes last 30 seconds, signatures minutes."""

CLOCKS = {
    "the bank": "https://api.stripe.com/",
    "Microsoft": "https://login.microsoftonline.com/",
}


def examine_mail() -> Iterator[Finding]:
    """Sign in to the mail server and leave again."""
    url = settings.current().smtp_url
    if not url:
        yield warning("E-mail", "E-mails are stored and not sent.", "Set SMTP_URL.")
        return
    try:
        smtp.check_sign_in(url)
    except OSError as error:
        yield fault(
            "E-mail",
            f"The mail server refuses the shop: {type(error).__name__}: {error}.",
            "Check host, port, user and password in SMTP_URL (the last two percent-encoded).",
        )
    else:
        yield ok("E-mail", "The mail server lets the shop in.")


def examine_bank() -> Iterator[Finding]:
    """Ask the bank whether it knows the shop and where it notifies."""
    bank = gateways.gateway()
    if not isinstance(bank, StripeGateway):
        yield _sandbox("Bank", "STRIPE_API_KEY")
        return
    address = f"{settings.current().public_url}/notifications/bank"
    cure = f"Register {address} as a webhook in Stripe's dashboard, for the events of README.md."
    try:
        missing = bank.events_not_notified(address)
    except PartyRejected as error:
        yield fault("Bank", f"Stripe refuses the shop: {error}.", "Check STRIPE_API_KEY.")
    except PartyUnavailable as error:
        yield fault(
            "Bank", f"Stripe does not answer: {error}.", "Check the way out, and try again."
        )
    else:
        if missing is None:
            yield fault("Bank", f"Stripe notifies no one at {address}.", cure)
        elif missing:
            yield fault("Bank", f"Stripe does not notify of {', '.join(missing)}.", cure)
        else:
            yield ok("Bank", "Stripe knows the shop, and notifies it of all it needs.")
        yield from _rights(bank)


def _rights(bank: StripeGateway) -> Iterator[Finding]:
    """Say whether the shop may read what the bank pays out."""
    try:
        missing = bank.rights_missing()
    except (PartyRejected, PartyUnavailable) as error:
        yield fault("Bank", f"Stripe does not list payouts: {error}.", "Try again in a minute.")
        return
    if missing:
        yield fault(
            "Bank",
            f"STRIPE_API_KEY may not read {' and '.join(missing)}: payouts are neither listed nor "
            "booked.",
            "Let the restricted key read Payouts and Balance, in Stripe's dashboard.",
        )
    else:
        yield ok("Bank", "The shop may read payouts, and what each is made of.")


def examine_provider() -> Iterator[Finding]:
    """Ask Microsoft for the application's permissions, the domain, and the licences left."""
    provider = configured.provider()
    if not isinstance(provider, GraphProvider):
        yield _sandbox("Office", "GRAPH_CLIENT_ID")
        return
    try:
        yield from _directory(provider)
    except PartyRejected as error:
        yield fault(
            "Office", f"Microsoft refuses the shop: {error}.",
            "Check GRAPH_TENANT_ID, GRAPH_CLIENT_ID and GRAPH_CLIENT_SECRET, which expires.",
        )  # fmt: skip
    except PartyUnavailable as error:
        yield fault("Office", f"Microsoft does not answer: {error}.", "Try again in a minute.")


def _directory(provider: GraphProvider) -> Iterator[Finding]:
    if missing := provider.permissions_missing():
        yield fault(
            "Office",
            f"The application lacks {', '.join(missing)}.",
            "Grant it in Microsoft Entra, with the administrator's consent.",
        )
        return
    domain = settings.current().office_domain
    if not provider.is_verified(domain):
        yield fault(
            "Office", f"{domain} is not verified in the directory.",
            "Verify it in Microsoft Entra, or correct OFFICE_DOMAIN.",
        )  # fmt: skip
    yield _sign_ins(provider)
    for product, left in provider.licences_left().items():
        if left < stock.FEW:
            few = fault if left <= 0 else warning
            yield few("Office", f"{left} licences of {product} are left.", "Buy more of them.")
        else:
            yield ok("Office", f"{left} licences of {product} are left.")


def _sign_ins(provider: GraphProvider) -> Finding:
    """Say whether Microsoft tells when people signed in; the shop does without."""
    refused = provider.why_sign_ins_are_unknown()
    if not refused:
        return ok("Office", "Microsoft tells which people never sign in.")
    return warning(
        "Office",
        f"Which people never sign in stays unknown: {refused}.",
        "Grant AuditLog.Read.All in Microsoft Entra, with the administrator's consent; the "
        "directory needs a premium licence, too (Entra ID P1).",
    )


def examine_vat_registry() -> Iterator[Finding]:
    """Ask the registry for the seller's own number."""
    number = settings.current().seller.vat_number
    answer = registry.registry().check(number).answer
    if answer == Answer.UNAVAILABLE:
        yield warning(
            "VAT numbers",
            "The registry (VIES) does not answer: businesses pay VAT until it does.",
            "Check the way out to ec.europa.eu; VIES itself is away at times.",
        )
    elif answer == Answer.UNKNOWN and settings.current().production:
        yield warning(
            "VAT numbers", f"The registry (VIES) does not know {number}.",
            "Check SELLER_VAT_NUMBER, and that it is enabled for trade within the Union.",
        )  # fmt: skip
    else:
        yield ok("VAT numbers", "The registry answers.")


def examine_clock() -> Iterator[Finding]:
    """Compare this machine's clock with the database server's and the parties'."""
    offsets = dict(_database_offset())
    if not settings.current().uses_sandbox:
        offsets |= {name: offset for name, url in CLOCKS.items() for offset in _offset_of(url)}
    wrong = {name: offset for name, offset in offsets.items() if abs(offset) > SKEW}
    for name, offset in wrong.items():
        yield fault(
            "Clock", f"This machine is {offset:+.0f} s off {name}.",
            "Have chrony or systemd-timesyncd set the clocks of all machines.",
        )  # fmt: skip
    if offsets and not wrong:
        yield ok("Clock", f"It agrees with {' and '.join(offsets)}.")


def _database_offset() -> Iterator[tuple[str, float]]:
    if isinstance(database.obj, PostgresqlDatabase):
        with shop_database.connection():
            (now,) = database.execute_sql("SELECT clock_timestamp()").fetchone()
        yield "the database", (clock.real_now() - now).total_seconds()


def _offset_of(url: str) -> Iterator[float]:
    """Yield by how many seconds this clock is ahead of a server's, if it tells."""
    try:
        said = httpx.head(url, timeout=TIMEOUT).headers.get("Date", "")
        yield (clock.real_now() - parsedate_to_datetime(said)).total_seconds()
    except (httpx.HTTPError, ValueError, TypeError):
        return


def _sandbox(subject: str, variable: str) -> Finding:
    return warning(subject, "It is the sandbox's: nothing of it is real.", f"Set {variable}.")
