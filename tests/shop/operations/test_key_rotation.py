"""Key rotation: secrets encrypted with an old key can be decrypted with the new one alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pyotp
import pytest
from cryptography.fernet import Fernet
from flask import Flask

from models import Account, Authenticator, Letter, LicenceGroup, Seat, SeatStatus
from shop import clock
from shop.customers.activity_log import UNKNOWN
from shop.customers.two_factor import totp
from shop.licences import seats
from shop.operations import key_rotation
from shop.security import encryption
from tests.support import cast, groups
from tests.support.parties import Bank, Provider

MakeApp = Callable[..., Flask]


@pytest.fixture
def old() -> str:
    """The key with which everything is encrypted at first."""
    return Fernet.generate_key().decode()


@pytest.fixture
def alice(make_app: MakeApp, old: str) -> Account:
    """Alice, with an authenticator application set up under the old key."""
    make_app(MAIL_ENCRYPTION_KEYS=old)
    account = cast.register(cast.ALICE)
    row = totp.begin_enrolment(account)
    shown = pyotp.TOTP(totp.secret_of(row))
    totp.finish_enrolment(row, shown.at(clock.real_now() - timedelta(seconds=30)), UNKNOWN)
    return account


@pytest.fixture
def group(alice: Account, bank: Bank, provider: Provider) -> LicenceGroup:
    """Alice's group, with one licence whose activation failed."""
    group = groups.installed(alice, bank)
    provider.failing = "no capacity"
    assert groups.configured(group).status == SeatStatus.ERROR
    provider.failing = ""
    return group


def test_an_old_key_may_go(
    alice: Account, group: LicenceGroup, make_app: MakeApp, old: str, provider: Provider,
    drain: Callable[[], int],
) -> None:  # fmt: skip
    new = Fernet.generate_key().decode()
    kept = encryption.unseal(groups.seat_of(group).secret)
    both = make_app(MAIL_ENCRYPTION_KEYS=f"{new} {old}")
    result = both.test_cli_runner().invoke(args=["secrets", "reseal"])
    assert result.output.endswith("secret(s) encrypted with the newest key.\n")
    make_app(MAIL_ENCRYPTION_KEYS=new)
    totp.check_code(alice, pyotp.TOTP(totp.secret_of(Authenticator.get())).now())
    seat = groups.seat_of(group)
    seats.retry(seat, seat.version, by="alice")
    drain()
    seat = groups.seat_of(group)
    assert seat.status == SeatStatus.ACTIVE
    assert provider.users[f"{seat.login}@{group.domain}"] == kept


def test_secrets_that_no_key_opens_keep_no_others_from_the_newest_key(
    group: LicenceGroup, make_app: MakeApp, old: str
) -> None:
    new = Fernet.generate_key().decode()
    make_app(MAIL_ENCRYPTION_KEYS=Fernet.generate_key().decode())
    lost = encryption.seal("lost")
    Authenticator.update(secret=lost).execute()
    both = make_app(MAIL_ENCRYPTION_KEYS=f"{new} {old}")
    result = both.test_cli_runner().invoke(args=["secrets", "reseal"])
    assert result.exit_code == 1
    told = "MAIL_ENCRYPTION_KEYS lacks the key of secrets in authenticator: add it."
    assert told in result.output
    make_app(MAIL_ENCRYPTION_KEYS=new)
    assert encryption.can_decrypt(groups.seat_of(group).secret)
    assert Authenticator.get().secret == lost


def test_a_secret_changed_by_another_process_is_not_overwritten(
    group: LicenceGroup, make_app: MakeApp, old: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = Fernet.generate_key().decode()
    make_app(MAIL_ENCRYPTION_KEYS=f"{new} {old}")
    sealed, seal_anew = encryption.seal("another one"), encryption.reseal
    before = groups.seat_of(group).secret

    def slowly(secret: str) -> str:
        if secret == before:
            Seat.update(secret=sealed).where(Seat.secret == before).execute()
        return seal_anew(secret)

    everything = Letter.select().where(Letter.is_secret).count() + Authenticator.select().count()
    monkeypatch.setattr(encryption, "reseal", slowly)
    assert key_rotation.reseal_all() == (everything, [])
    assert groups.seat_of(group).secret == sealed


@pytest.mark.every_case
@pytest.mark.parametrize("act", ["retry", "edit"])
def test_a_licence_whose_password_no_key_decrypts_gets_a_new_one(
    group: LicenceGroup, make_app: MakeApp, provider: Provider, drain: Callable[[], int], act: str
) -> None:
    make_app(MAIL_ENCRYPTION_KEYS=Fernet.generate_key().decode())
    seat = groups.seat_of(group)
    if act == "retry":
        seats.retry(seat, seat.version, by="alice")
    else:
        seats.edit(seat, seat.version, groups.ZOE, by="alice")
    drain()
    seat = groups.seat_of(group)
    assert seat.status == SeatStatus.ACTIVE
    assert provider.can_sign_in(
        f"{seat.login}@{group.domain}", provider.users[f"{seat.login}@{group.domain}"]
    )
