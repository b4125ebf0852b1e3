"""The evidence of an order: complete, exact, without secrets, signed."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask

from models import Acceptance, Account, Event, LicenceGroup, Payment, PaymentStatus
from shop import clock, mail
from shop.personal_data import evidence
from tests.support import groups, purchases
from tests.support.parties import Bank, Provider


def opened(content: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(BytesIO(content))


def altered(content: bytes, name: str, replacement: bytes) -> bytes:
    """Return a pack with another content of one file."""
    changed, before = BytesIO(), opened(content)
    with zipfile.ZipFile(changed, "w") as after:
        for each in before.namelist():
            after.writestr(each, replacement if each == name else before.read(each))
    return changed.getvalue()


def test_it_holds_everything_about_an_order_signed_and_nothing_secret(
    app: Flask, alice: Account, bank: Bank, provider: Provider, tmp_path: Path
) -> None:
    group: LicenceGroup = groups.installed(alice, bank)
    groups.configured(group)
    order = group.line.order
    purchases.place(alice, purchases.basket(business=1))
    file = tmp_path / "evidence.zip"
    run = app.test_cli_runner().invoke
    made = run(args=["orders", "evidence", order.number, str(file)])
    assert made.exit_code == 0, made.output
    again = run(args=["orders", "evidence", order.number, str(file)])
    assert "there already" in again.output
    assert file.stat().st_mode & 0o777 == 0o600
    nowhere = run(args=["orders", "evidence", order.number, str(tmp_path / "none" / "file")])
    assert "cannot be written: No such file" in nowhere.output
    archive = opened(file.read_bytes())
    told = json.loads(archive.read("order.json"))
    assert (told["number"], told["customer"]["last_name"]) == (order.number, alice.last_name)
    accepted = json.loads(archive.read("acceptances.json"))
    assert len(accepted) == Acceptance.select().where(Acceptance.order == order).count() > 0
    for row in accepted:
        assert hashlib.sha256(archive.read(row["file"])).hexdigest() == row["digest"]
        assert row["accepted_at"]
        assert row["address"]
    events = json.loads(archive.read("events.json"))
    assert {row["name"] for row in events} >= {
        "order_paid", "order_delivered", "payment_succeeded", "group_installed", "letter_stored",
    }  # fmt: skip
    assert len(events) < Event.select().count(), "of this order alone"
    kinds = {row["kind"]: row for row in json.loads(archive.read("emails.json"))}
    assert set(kinds) == {
        "order_placed", "payment_received", "service_installed", "invoice_issued"
    }  # fmt: skip
    assert f"emails/{kinds['order_placed']['id']}.html" in archive.namelist()
    assert len([name for name in archive.namelist() if name.endswith(".pdf")]) == 2
    said = run(args=["orders", "check-evidence", str(file)]).output
    assert f"Order {order.number}" in said
    assert "unchanged" in said


@pytest.mark.every_case
def test_an_order_whose_card_was_declined_again_and_again_has_evidence(
    app: Flask, alice: Account, bank: Bank
) -> None:
    order = purchases.place(alice)
    attempts = 80
    for number in range(attempts):
        Payment.create(
            order=order, status=PaymentStatus.DECLINED, method="card", key=f"attempt {number}",
            amount_cents=order.total_cents, currency="EUR", created_at=clock.now(),
            settled_at=clock.now(),
        )  # fmt: skip
    purchases.pay(order, bank)
    archive = opened(evidence.pack(order, by="staff:dora"))
    assert len(json.loads(archive.read("payments.json"))["payments"]) == attempts + 1
    kinds = [row["kind"] for row in json.loads(archive.read("emails.json"))]
    assert kinds == ["order_placed", "payment_received"]


def test_a_pack_that_was_changed_is_found_out(
    app: Flask, make_app: Callable[..., Flask], alice: Account, tmp_path: Path
) -> None:
    order = purchases.place(alice, purchases.basket(business=1))
    content = evidence.pack(order, by="staff:dora")
    assert evidence.check_pack(content).faults == ()
    changed = evidence.check_pack(altered(content, "order.json", b"{}"))
    assert changed.faults == ("order.json was changed.",)
    manifest = json.loads(opened(content).read("manifest.json"))
    assert manifest["made_by"] == "staff:dora"
    manifest["files"]["order.json"] = hashlib.sha256(b"{}").hexdigest()
    forged = altered(content, "order.json", b"{}")
    forged = altered(forged, "manifest.json", json.dumps(manifest).encode())
    assert evidence.check_pack(forged).faults == ("The signature is not this shop's.",)
    file = tmp_path / "other.zip"
    file.write_bytes(b"PK")
    said = app.test_cli_runner().invoke(args=["orders", "check-evidence", str(file)])
    assert "is no evidence" in said.output
    key = "another-secret-of-tests-that-nobody-else-uses"
    make_app(SECRET_KEY=key)
    assert evidence.check_pack(content).faults == ("The signature is not this shop's.",)


def test_every_kind_of_row_of_an_order_has_its_emails(app: Flask) -> None:
    named = {kind for listed in evidence.KINDS.values() for kind in listed}
    assert not [kind for kind in named if not hasattr(mail, kind)]
