"""Settings, database, keys and data: what can be examined without asking anyone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from peewee import SqliteDatabase
from stdnum.eu import vat
from stdnum.fr import siren

from records.accounts import Account
from records.base import database
from shop import database as shop_database
from shop import settings
from shop.documents import glyphs
from shop.operations import database_state, demo, key_rotation, monitoring, sqlite_files
from shop.operations.doctor.findings import Finding, fault, ok, warning
from shop.security import encryption, proxies
from shop.settings import Settings, checks


def examine_settings() -> Iterator[Finding]:
    """Find what is missing for production, and settings that are allowed but weak."""
    current = settings.current()
    if not current.production:
        problems = checks.problems_of(replace(current, production=True), settings.given())
        for problem in problems:
            yield warning("Settings", f"Production would not start: {problem}.", "Set it.")
    else:
        yield ok("Settings", "Production has all that it needs.")
    yield from _weak(current)


def _weak(current: Settings) -> Iterator[Finding]:
    if current.seller.country == "FR" and not siren.is_valid(current.seller.siren):
        yield fault("Seller", f"{current.seller.siren} is no SIREN.", "Correct SELLER_SIREN.")
    if not vat.is_valid(current.seller.vat_number):
        yield fault(
            "Seller", f"{current.seller.vat_number} is no VAT number.", "Correct SELLER_VAT_NUMBER."
        )


def examine_papers() -> Iterator[Finding]:
    """Find whether PDFs can be made, with names in every script."""
    missing = glyphs.printable(glyphs.SAMPLE).missing
    if missing:
        yield fault(
            "Papers",
            f"PDFs cannot show {len(missing)} of the characters that they should: {missing[0]} …",
            "Install the packages of requirements.txt again: those of fonts are incomplete.",
        )
    else:
        yield ok("Papers", "PDFs can be made, with names in every script that they should show.")


def examine_database() -> Iterator[Finding]:
    """Find whether this version can use the database, and whether its file is sound."""
    try:
        database_state.check_usable()
        if isinstance(database.obj, SqliteDatabase):
            _check_file(Path(database.obj.database))
    except database_state.DatabaseUnusable as unusable:
        yield fault("Database", str(unusable), "See above.")
    except sqlite_files.CopyFailed as damaged:
        yield fault("Database", f"{damaged}.", "Restore a backup: flask --app app restore FILE")
    else:
        yield ok("Database", f"{database_state.where()} is sound and up to date.")


def _check_file(path: Path) -> None:
    with closing(sqlite_files.open_database(path)) as opened:
        sqlite_files.check_pages(opened)


def examine_keys() -> Iterator[Finding]:
    """Find stored secrets that none of the keys decrypts."""
    with shop_database.connection():
        lost = key_rotation.unreadable()
    if lost:
        yield fault(
            "Keys",
            f"None of MAIL_ENCRYPTION_KEYS decrypts secrets in {', '.join(lost)}.",
            "Add the key they were encrypted with after the newest one.",
        )
    else:
        yield ok("Keys", "MAIL_ENCRYPTION_KEYS decrypts what is stored.")
    if not settings.current().mail_encryption_keys[0].startswith(encryption.GCM):
        yield warning(
            "Keys",
            "The newest of MAIL_ENCRYPTION_KEYS is one of 128 bits (AES-CBC), as of version 1.0.",
            f"Put a new one before it, {encryption.GCM} and 32 bytes in URL-safe base64, then "
            "flask --app app secrets reseal",
        )


def examine_forwarding() -> Iterator[Finding]:
    """Find that requests came through a proxy that the settings do not count."""
    with shop_database.connection():
        if proxies.seen_untrusted():
            yield fault(
                "Proxies",
                "Since yesterday, a proxy forwarded requests that TRUSTED_PROXIES does not count.",
                "Set TRUSTED_PROXIES to the number of proxies in front of the shop.",
            )


def examine_demo_data() -> Iterator[Finding]:
    """Find the demo customer, whose password everyone knows, in production."""
    if not settings.current().production:
        return
    with shop_database.connection():
        has_demo = Account.select().where(Account.email == demo.DEMO_EMAIL).exists()
    if has_demo:
        yield fault(
            "Demo data",
            f"The customer {demo.DEMO_EMAIL} has a password that everyone knows.",
            "Begin with an empty database: this one was filled by `make run` or `demo load`.",
        )
    else:
        yield ok("Demo data", "There is none.")


def examine_alarms() -> Iterator[Finding]:
    """Find what waits for the operator."""
    with shop_database.connection():
        raised = {name: number for name, number in monitoring.alarms().items() if number}
    for name, number in raised.items():
        yield warning("Alarms", f"{name}: {number}.", f"See docs/operate.md, {name}.")
    if not raised:
        yield ok("Alarms", "There is none.")
