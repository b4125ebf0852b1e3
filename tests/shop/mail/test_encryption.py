"""E-mails with secrets: encrypted in the database, and readable while keys change."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable

import pytest
from cryptography.fernet import Fernet, InvalidToken
from flask import Flask

import models
from models import Account
from shop import mail
from shop.security import encryption
from shop.settings import Settings, SettingsError
from tests.support import cast, letter_causes, letters

MakeApp = Callable[..., Flask]


def everything_stored() -> str:
    """Return all stored text, as a reader of the database sees it."""
    names = models.database.get_tables()
    rows = [models.database.execute_sql(f'SELECT * FROM "{name}"').fetchall() for name in names]
    return repr(rows)


@pytest.mark.parametrize("kind", ["licence_active", "seat_password_changed"])
def test_secrets_are_not_readable_in_the_database(kind: str, alice: Account) -> None:
    letter_causes.CAUSES[kind](alice, None, None)
    letter = letters.the(alice, kind)
    assert letters.PASSWORD in mail.text_of(letter)
    assert letters.PASSWORD in mail.html_of(letter)
    assert letters.PASSWORD not in everything_stored()
    assert letter.key in everything_stored()


def test_a_reset_link_is_not_readable_in_the_database(alice: Account) -> None:
    letter_causes.accounts.password_reset(alice, None, None)
    text = mail.text_of(letters.the(alice, "password_reset"))
    (link,) = [found for found in letters.addresses(text) if "/password/" in found]
    assert link.rsplit("/", 1)[1] not in everything_stored()


def test_letters_stay_readable_when_keys_change(make_app: MakeApp) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    make_app(MAIL_ENCRYPTION_KEYS=old)
    alice = cast.register(cast.ALICE)
    before = letters.activate(alice)
    make_app(MAIL_ENCRYPTION_KEYS=f"{new}, {old}")
    after = letters.activate(alice, key="2")
    assert letters.PASSWORD in mail.text_of(letters.again(before))
    assert letters.PASSWORD in Fernet(new).decrypt(letters.again(after).text.encode()).decode()
    with pytest.raises(InvalidToken):
        Fernet(old).decrypt(letters.again(after).text.encode())


def test_a_key_of_256_bits_takes_over_from_a_key_of_128(make_app: MakeApp) -> None:
    old = Fernet.generate_key().decode()
    new = f"gcm:{base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()}"
    make_app(MAIL_ENCRYPTION_KEYS=old)
    alice = cast.register(cast.ALICE)
    before = letters.activate(alice)
    both = make_app(MAIL_ENCRYPTION_KEYS=f"{new} {old}")
    after = letters.activate(alice, key="2")
    assert letters.again(after).text.startswith("gcm:")
    assert letters.PASSWORD in mail.text_of(letters.again(before))
    assert letters.PASSWORD in mail.text_of(letters.again(after))
    both.test_cli_runner().invoke(args=["secrets", "reseal"])
    make_app(MAIL_ENCRYPTION_KEYS=new)
    assert letters.PASSWORD in mail.text_of(letters.again(before))
    assert letters.again(before).text != letters.again(after).text


@pytest.mark.parametrize("changed", [0, 20, -5])
def test_a_changed_secret_is_not_decrypted(make_app: MakeApp, changed: int) -> None:
    key = f"gcm:{base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()}"
    make_app(MAIL_ENCRYPTION_KEYS=key)
    sealed = bytearray(base64.urlsafe_b64decode(encryption.seal("a secret").removeprefix("gcm:")))
    sealed[changed] ^= 1
    with pytest.raises(InvalidToken):
        encryption.unseal(f"gcm:{base64.urlsafe_b64encode(sealed).decode()}")
    for text in ("gcm:", "gcm:x", "gcm:é", ""):
        with pytest.raises(InvalidToken):
            encryption.unseal(text)


def test_an_old_key_may_go_once_letters_are_encrypted_again(make_app: MakeApp) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    make_app(MAIL_ENCRYPTION_KEYS=old)
    before = letters.activate(cast.register(cast.ALICE))
    both = make_app(MAIL_ENCRYPTION_KEYS=f"{new} {old}")
    result = both.test_cli_runner().invoke(args=["secrets", "reseal"])
    assert result.output == "1 secret(s) encrypted with the newest key.\n"
    make_app(MAIL_ENCRYPTION_KEYS=new)
    assert letters.PASSWORD in mail.html_of(letters.again(before))


def test_control_without_its_key_a_letter_cannot_be_read(make_app: MakeApp) -> None:
    make_app(MAIL_ENCRYPTION_KEYS=Fernet.generate_key().decode())
    before = letters.activate(cast.register(cast.ALICE))
    make_app(MAIL_ENCRYPTION_KEYS=Fernet.generate_key().decode())
    with pytest.raises(InvalidToken):
        mail.text_of(letters.again(before))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAIL_ENCRYPTION_KEYS", "too-short"),
        ("MAIL_ENCRYPTION_KEYS", "é" * 44),
        ("SMTP_URL", "http://mail.example"),
        ("SMTP_URL", "smtp://"),
        ("SMTP_URL", "smtp://mail.example:port"),
        ("MAIL_FROM", "Nuage"),
    ],
)
def test_the_shop_does_not_start_with_what_would_stop_its_letters(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_environment({name: value})
