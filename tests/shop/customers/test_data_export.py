"""Data exports: complete, for their owner only, without secrets, deleted after a week."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO

import pytest
import time_machine
from flask import Flask
from peewee import ForeignKeyField

import models
from models import Account, DataExport, DataExportPart, ExportStatus, Letter
from shop import mail
from shop.customers import data_export, password_changes
from shop.customers.activity_log import UNKNOWN
from shop.customers.data_export import content, files
from shop.customers.two_factor import recovery_codes, totp
from shop.errors import Conflict
from tests.support import cast, devices, purchases, racing
from tests.support.belongings import Belongings
from tests.support.visitor import Visitor


def archive_of(export: DataExport) -> zipfile.ZipFile:
    return zipfile.ZipFile(BytesIO(b"".join(data_export.pieces_of(export))))


def made(account: Account, drain: Callable[[], int]) -> zipfile.ZipFile:
    export = data_export.request_export(account, UNKNOWN)
    drain()
    return archive_of(export)


def rows(archive: zipfile.ZipFile, name: str) -> list[dict[str, object]]:
    return json.loads(archive.read(f"{name}.json"))


def test_it_holds_everything_of_alices(alices: Belongings, drain: Callable[[], int]) -> None:
    archive = made(alices.account, drain)
    assert archive.testzip() is None
    assert rows(archive, "account")[0]["email"] == alices.account.email
    numbers = {row["number"] for row in rows(archive, "orders")}
    assert numbers == {alices.unpaid.number, alices.delivered.number}
    assert {row["group_name"] for row in rows(archive, "licences")} >= {alices.group.name}
    assert rows(archive, "cards")[0]["last4"] == "4242"
    assert rows(archive, "order_events")
    assert rows(archive, "contracts_accepted")[0]["address"] == "203.0.113.7"
    assert {row["address"] for row in rows(archive, "sessions")} >= {alices.session.ip_address}
    pdfs = [name for name in archive.namelist() if name.endswith(".pdf")]
    assert len(pdfs) == 3, "two purchase orders, and the invoice of the paid one"
    assert all(archive.read(name).startswith(b"%PDF") for name in pdfs)
    assert alices.account.nic_handle in archive.read("README.txt").decode()
    letters = rows(archive, "letters")
    plain = [row for row in letters if not row["is_secret"]]
    assert len([name for name in archive.namelist() if name.startswith("letters/")]) == 2 * len(
        plain
    )


def test_it_holds_no_secret(alices: Belongings, drain: Callable[[], int]) -> None:
    who = alices.account
    models.Authenticator.delete().execute()
    row = totp.begin_enrolment(who)
    codes = recovery_codes.create_codes(who, UNKNOWN)
    mail.licence_active(
        who, group="G", address="marie@x.example", password="hV7-kq2Rm9wX_t4B",
        portal="http://p.example", key="1",
    )  # fmt: skip
    password_changes.request_reset(who.nic_handle, "203.0.113.9", purchases.BASE)
    archive = made(who, drain)
    everything = b"".join(archive.read(name) for name in archive.namelist()).decode("latin-1")
    secrets = [
        who.password_hash, totp.secret_of(row), row.secret, *codes, "hV7-kq2Rm9wX_t4B",
        alices.reset_token, alices.session.token_digest, alices.passkey.public_key,
        models.Card.get().mandate, *(c.code_digest for c in models.RecoveryCode.select()),
    ]  # fmt: skip
    assert not [secret for secret in secrets if secret in everything]
    assert Letter.select().where(Letter.is_secret).count() >= 2


def test_it_holds_nothing_of_others(
    alices: Belongings, charlie: Account, drain: Callable[[], int]
) -> None:
    archive = made(charlie, drain)
    everything = b"".join(archive.read(name) for name in archive.namelist()).decode("latin-1")
    for theirs in (alices.account.email, alices.unpaid.number, alices.group.name):
        assert theirs not in everything
    assert rows(archive, "orders") == []


def test_every_table_of_an_account_is_in_it_or_left_out_for_a_reason() -> None:
    exported = {section.table for section in content.SECTIONS}
    of_accounts = {
        table
        for table in models.all_tables()
        for field in table._meta.sorted_fields
        if isinstance(field, ForeignKeyField) and field.rel_model is Account
    }
    missing = {
        table._meta.table_name
        for table in of_accounts - exported
        if table._meta.table_name not in content.OMITTED_TABLES
    }
    assert not missing, (
        "say in shop/customers/data_export/content.py what of these a customer's copy holds"
    )


def test_large_exports_are_stored_in_pieces(
    alice: Account, drain: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_export, "PIECE_BYTES", 700)
    monkeypatch.setattr(files, "BATCH", 2)
    for number in range(7):
        purchases.place(alice, purchases.basket(business=number + 1))
    archive = made(alice, drain)
    assert len(rows(archive, "orders")) == 7
    assert DataExportPart.select().count() > 10
    assert archive.testzip() is None


def test_an_export_is_requested_downloaded_and_expires(
    visitor: Visitor, app: Flask, alice: Account, drain: Callable[[], int],
    clock: time_machine.Traveller,
) -> None:  # fmt: skip
    visitor.log_in(alice)
    visitor.open("/manager/account/data")
    visitor.press("Demander une copie")
    assert visitor.sees("En préparation")
    assert not visitor.offers("Demander une copie")
    drain()
    visitor.open("/manager/account/data")
    visitor.follow("Télécharger")
    assert visitor.response.mimetype == "application/zip"
    assert visitor.response.headers["Content-Disposition"].startswith("attachment")
    assert zipfile.ZipFile(BytesIO(visitor.response.data)).testzip() is None
    length = int(visitor.response.headers["Content-Length"])
    assert length == len(visitor.response.data) == DataExport.get().size
    address = visitor.address
    assert Letter.select().where(Letter.kind == "export_ready").count() == 1
    clock.shift(timedelta(days=7, minutes=1))
    later = Visitor(app.test_client())
    later.log_in(alice)
    assert later.client.get(address).status_code == 404
    drain()
    assert DataExport.get().status == ExportStatus.EXPIRED
    assert not DataExportPart.select().exists()


def test_downloading_asks_for_the_password_again(
    visitor: Visitor, alice: Account, drain: Callable[[], int], clock: time_machine.Traveller
) -> None:
    visitor.log_in(alice)
    export = data_export.request_export(alice, UNKNOWN)
    drain()
    clock.shift(timedelta(minutes=20))
    visitor.open(f"/manager/account/exports/{export.id}.zip")
    assert visitor.sees("Confirmez que c’est bien vous")


def test_one_copy_is_made_at_a_time(alice: Account) -> None:
    outcomes = racing.race(lambda: data_export.request_export(alice, UNKNOWN), 5)
    assert sum(isinstance(outcome, DataExport) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 4


def test_a_copy_begun_twice_is_whole(alice: Account, drain: Callable[[], int]) -> None:
    export = data_export.request_export(alice, UNKNOWN)
    DataExportPart.create(export=export, number=0, content=b"x" * data_export.PIECE_BYTES)
    drain()
    assert archive_of(export).testzip() is None


def test_a_failed_export_can_be_requested_again(
    app: Flask, alice: Account, drain: Callable[[], int], monkeypatch: pytest.MonkeyPatch,
    clock: time_machine.Traveller,
) -> None:  # fmt: skip
    def broken(*_: object) -> None:
        raise RuntimeError("no paper")

    monkeypatch.setattr(files, "export_files", broken)
    export = data_export.request_export(alice, UNKNOWN)
    for _ in range(6):
        drain()
        clock.shift(timedelta(hours=2))
    assert DataExport.get_by_id(export.id).status == ExportStatus.FAILED
    data_export.request_export(alice, UNKNOWN)


def test_passkeys_are_listed_by_name_alone(alice: Account, drain: Callable[[], int]) -> None:
    devices.passkey_of(alice, name="Portable")
    assert set(rows(made(alice, drain), "passkeys")[0]) == {"name", "created_at", "used_at"}


def test_the_readme_speaks_the_customers_language(drain: Callable[[], int], app: Flask) -> None:
    charlie = cast.register(cast.CHARLIE)
    assert "holds the data" in made(charlie, drain).read("README.txt").decode()
