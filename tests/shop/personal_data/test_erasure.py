"""After erasure and retention nothing in the database tells who a customer was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from flask import Flask
from peewee import IntegrityError, SqliteDatabase

import models
from models import (
    Account,
    Attachment,
    Event,
    Invoice,
    InvoiceFile,
    Letter,
    LicenceGroup,
    Order,
    Seat,
    SeatEvent,
    SeatStatus,
    database,
)
from shop import clock, documents
from shop.customers import sessions, sign_in
from shop.errors import Refusal
from shop.invoicing import account_credits, ledger_proof
from shop.operations import audit
from shop.personal_data import blanking, closing, erasure, retention
from shop.staff import acts
from shop.subscriptions import interventions
from tests.support import belongings, cast, exchange, groups, running
from tests.support.belongings import Belongings
from tests.support.parties import Bank, Provider
from tests.whole.test_routes import client_of

ZEPHYRINE = {
    "first_name": "Zéphyrine", "last_name": "Quatrebarbes", "street": "7 venelle du Colombier",
    "city": "Mouilleron", "email": "zephyrine@quatrebarbes.example",
}  # fmt: skip
HOLDERS = ("Aïcha", "Benali", "aicha.benali", "atelier-lumiere", "alice.martin", "home.example")
TOLD = ("zéphyrine", "zephyrine", "quatrebarbes", "colombier", "mouilleron")
"""What tells of the customer, in lower case, as typed and as folded for searches."""


@pytest.fixture
def logged(app: Flask, capfd: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """Return the function that tells what was logged since the beginning of the test."""
    return lambda: capfd.readouterr().err


@pytest.fixture
def owned(
    app: Flask,
    logged: Callable[[], str],
    bank: Bank,
    provider: Provider,
    drain: Callable[[], int],
) -> Belongings:
    """One of everything a customer can own, with licences of Office Attach; nothing runs now."""
    account = cast.register(cast.ALICE, **ZEPHYRINE)
    everything = belongings.furnish(account, bank, drain)
    exchange.attached(everything.exchange)
    drain()
    models.CustomerNote.create(
        account=account, by="staff:dora", text="Mme Quatrebarbes a appelé.", at=clock.now()
    )
    acts.record_act("k", by="staff:dora", kind="k", reason="Mme Quatrebarbes", account=account)
    return everything


def end_everything(owned: Belongings, drain: Callable[[], int]) -> None:
    living = LicenceGroup.select().where(LicenceGroup.account == owned.account)
    for group in list(living):
        if not group.is_over:
            interventions.end_service(group, "Mme Quatrebarbes l’a demandé.", by="operator")
    drain()


def texts(rows: Iterable[tuple[object, ...]]) -> Iterator[bytes]:
    for row in rows:
        for value in row:
            yield bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()


def content_of(table: str) -> bytes:
    rows = database.execute_sql(f'SELECT * FROM "{table}"').fetchall()
    return b"\n".join(texts(rows))


def telling(words: Iterable[str] = TOLD) -> set[str]:
    """Return the tables that hold one of the words, in any column."""
    wanted = [word.lower().encode() for word in words]
    return {
        table
        for table in database.get_tables()
        if any(
            word in content_of(table).decode(errors="replace").lower().encode() for word in wanted
        )
    }


def bytes_of_the_file(folder: Path) -> bytes:
    """Return the whole database as one file, without what SQLite has not overwritten yet."""
    file = folder / "vacuumed.db"
    database.execute_sql(f"VACUUM INTO '{file}'")
    return file.read_bytes()


def test_after_erasure_and_retention_nothing_tells_who_it_was(
    app: Flask,
    owned: Belongings,
    logged: Callable[[], str],
    drain: Callable[[], int],
    tmp_path: Path,
) -> None:
    account = owned.account
    client_of(app, account).get("/manager/account")
    before = telling()
    assert before >= {"account", "account_key", "letter", "purchase_order", "invoice"}
    with pytest.raises(closing.CannotClose):
        erasure.erase(account, "Demande du 3 mars", by="staff:dora")
    assert telling() == before, "an erasure that is refused changes nothing"
    end_everything(owned, drain)
    usage = SeatEvent.select().count()
    assert erasure.erase(account, "Demande du 3 mars", by="staff:dora")
    assert telling() == {"invoice"}, "kept by law, with its PDF"
    assert InvoiceFile.select().count() == Invoice.select().count() > 0
    assert not [word for word in HOLDERS if telling([word])]
    assert not Attachment.select().exists()
    assert SeatEvent.select().count() == usage > 0
    drain()
    assert list(ledger_proof.find_faults()) == []
    assert list(audit.find_faults(timedelta(0))) == []
    noted = Event.get(Event.name == "account_erased")
    assert (noted.by, noted.account_id) == ("staff:dora", account.id)
    assert not erasure.erase(account, "Noch einmal", by="staff:dora"), "once"
    running.move_on(timedelta(days=366 * 11))
    assert retention.run_retention()["invoices"] == Invoice.select().count()
    assert telling() == set()
    assert not InvoiceFile.select().exists()
    assert list(ledger_proof.find_faults()) == []
    lines = logged().lower()
    assert "/manager/account" in lines
    assert not [word for word in (*TOLD, *HOLDERS) if word.lower() in lines]
    if isinstance(database.obj, SqliteDatabase):
        whole = bytes_of_the_file(tmp_path).lower()
        assert not [word for word in (*TOLD, *HOLDERS) if word.lower().encode() in whole]


def test_every_table_that_leads_to_an_account_is_dealt_with() -> None:
    """A new table of personal data is named here once erasure and retention know it."""
    found = {
        table._meta.table_name
        for table in models.all_tables()
        for field in table._meta.sorted_fields
        if getattr(field, "rel_model", None) is Account
    }
    assert found == BLANKED | NUMBERS_ONLY


BLANKED = {
    "account_credit", "money_act", "staff_act",
    "account_event", "account_key", "authenticator", "card", "card_setup", "customer_note",
    "data_export", "exchange_service", "group_key", "invoice", "known_origin", "letter",
    "licence_group", "seat_key", "one_time_link", "passkey", "place_proof", "purchase_order",
    "recovery_code", "session", "vat_check", "viewing",
}  # fmt: skip
NUMBERS_ONLY = {
    "contract_announcement", "give_back", "ledger_entry", "subscription", "termination",
}  # fmt: skip


# --- Closing ---------------------------------------------------------------------------------


def test_an_account_closes_once_nothing_runs_and_nothing_is_owed(
    owned: Belongings, drain: Callable[[], int]
) -> None:
    account = owned.account
    assert closing.obstacles(account)[0] == closing.SERVICES_RUN
    end_everything(owned, drain)
    assert closing.obstacles(account) == []
    Invoice.update(status="due").where(Invoice.id == owned.invoice.id).execute()
    with pytest.raises(closing.CannotClose, match="not paid yet"):
        closing.close_account(account, by=account.nic_handle)
    Invoice.update(status="paid").where(Invoice.id == owned.invoice.id).execute()
    assert closing.close_account(account, by=account.nic_handle)
    assert not closing.close_account(account, by=account.nic_handle)
    assert Order.get_by_id(owned.unpaid.id).is_cancelled
    assert not models.Card.select().where(models.Card.removed_at.is_null()).exists()
    with pytest.raises(sessions.AccountClosed):
        sign_in.sign_in(account.nic_handle, cast.PASSWORD, "203.0.113.9")
    closed = Account.get_by_id(account.id)
    with pytest.raises(sessions.AccountClosed):
        sessions.start_session(closed, belongings.ELSEWHERE)
    assert Letter.select().where(Letter.kind == "account_closed").count() == 1
    assert Account.get_by_id(account.id).last_name == "Quatrebarbes", "kept for five years"
    drain()
    assert list(ledger_proof.find_faults()) == []


def test_a_closed_account_is_not_erased_while_its_money_moves(alice: Account) -> None:
    assert closing.close_account(alice, by=alice.nic_handle)
    moving = models.MoneyAct.create(
        key="a-form", kind="goodwill", account=alice, number="", cents=1, details={},
        reason="Asked", status="waiting", asked_by="staff:dora", asked_at=clock.now(),
    )  # fmt: skip
    with pytest.raises(closing.CannotClose):
        erasure.erase(alice, "Asked", by="staff:ada", key="another-form")
    assert Account.get_by_id(alice.id).erased_at is None
    assert not models.StaffAct.select().exists()
    moving.delete_instance()
    assert erasure.erase(alice, "Asked", by="staff:ada", key="another-form")
    assert models.StaffAct.select().count() == 1


def test_nothing_is_begun_for_a_closed_account(alice: Account) -> None:
    assert closing.close_account(alice, by=alice.nic_handle)
    with pytest.raises(Refusal, match="closed for good"), database.atomic():
        account_credits.grant_goodwill(alice, 500, "Sorry", by="staff:dora")
    with pytest.raises(Refusal, match="closed for good"):
        exchange.service(alice)
    assert not models.AccountCredit.select().exists()
    assert not models.ExchangeService.select().exists()


def test_an_erasure_needs_a_reason(alice: Account) -> None:
    with pytest.raises(Refusal, match="reason"):
        erasure.erase(alice, " ", by="staff:dora")
    assert Account.get_by_id(alice.id).closed_at is None


# --- Retention -------------------------------------------------------------------------------


def test_people_go_thirty_days_after_their_group_and_secrets_after_ninety(
    app: Flask, alice: Account, bank: Bank, provider: Provider, drain: Callable[[], int]
) -> None:
    ended, kept = groups.installed(alice, bank), groups.installed(alice, bank)
    for group in (ended, kept):
        groups.configured(group)
    interventions.end_service(groups.fresh(ended), "Fini", by="operator")
    drain()
    usage = groups.consumption(ended)
    running.move_on(timedelta(days=29))
    run = app.test_cli_runner().invoke
    assert "     0  groups ended" in run(args=["retention", "--dry-run"]).output
    running.move_on(timedelta(days=1, minutes=1))
    said = run(args=["retention", "--dry-run"]).output
    assert "     1  groups ended for 30 days: the names of licence holders" in said
    assert f"        {ended.name}\n" in said
    assert Seat.select().where(Seat.group == ended, Seat.first_name != "").exists()
    assert "     1  groups ended" in run(args=["retention"]).output
    assert not Seat.select().where(Seat.group == ended, Seat.first_name != "").exists()
    assert Seat.get(Seat.group == kept, Seat.status == SeatStatus.ACTIVE).first_name == "Camille"
    assert groups.consumption(ended) == usage
    mails = Letter.select().where(Letter.kind == "licence_active").order_by(Letter.id)
    assert [bool(letter.emptied_at) for letter in mails] == [True, False]
    running.move_on(timedelta(days=60))
    assert retention.run_retention() == {
        "people": 0,
        "histories": 0,
        "secrets": 1,
        "notices": 0,
        "accounts": 0,
        "invoices": 0,
        "links": 0,
    }
    assert not Letter.select().where(Letter.is_secret).exists()
    assert Letter.get_by_id(mails[1].id).recipient == alice.email
    assert list(audit.find_faults(timedelta(days=365))) == []


def rule(name: str) -> retention.Rule:
    """Return a rule of retention by its name."""
    return next(each for each in retention.RULES if each.name == name)


def due(name: str) -> list[str]:
    """Return what would go by a rule now."""
    return retention.due(rule(name))


def test_accounts_go_five_years_after_their_last_service(
    alice: Account, bob: Account, bank: Bank, provider: Provider, drain: Callable[[], int]
) -> None:
    group = groups.installed(alice, bank)
    interventions.end_service(group, "Fini", by="operator")
    drain()
    running.move_on(timedelta(days=365 * 5))
    assert retention.run_retention()["notices"] == 2
    assert retention.run_retention()["notices"] == 0, "each is told once"
    told = Letter.select().where(Letter.kind == "account_ending").order_by(Letter.id)
    assert [letter.recipient for letter in told] == [alice.email, bob.email]
    running.move_on(timedelta(days=29, hours=23))
    assert due("accounts") == []
    running.move_on(timedelta(days=2))
    assert due("accounts") == [alice.nic_handle, bob.nic_handle]
    retention.run_retention()
    assert Account.get_by_id(alice.id).erased_at is not None
    assert list(ledger_proof.find_faults()) == []


def test_an_account_that_orders_after_the_notice_stays_and_is_told_again(
    alice: Account, bank: Bank, provider: Provider, drain: Callable[[], int]
) -> None:
    running.move_on(timedelta(days=365 * 5))
    assert retention.run_retention()["notices"] == 1
    group = groups.installed(alice, bank)
    interventions.end_service(group, "Fini", by="operator")
    drain()
    running.move_on(timedelta(days=40))
    assert due("accounts") == due("notices") == []
    running.move_on(timedelta(days=365 * 5))
    assert (due("accounts"), due("notices")) == ([], [alice.nic_handle])


def test_a_closed_account_goes_after_five_years_untold(alice: Account) -> None:
    closing.close_account(alice, by=alice.nic_handle)
    running.move_on(timedelta(days=365 * 5))
    assert due("accounts") == due("notices") == []
    running.move_on(timedelta(days=2))
    assert (due("accounts"), due("notices")) == ([alice.nic_handle], [])


def test_an_invoice_is_blanked_after_ten_years_and_not_a_day_before(
    alice: Account, bank: Bank, provider: Provider, drain: Callable[[], int]
) -> None:
    groups.installed(alice, bank)
    drain()
    invoice = Invoice.get()
    with pytest.raises(IntegrityError, match="never changes"), database.atomic():
        blanking.blank_invoice(invoice)
    with pytest.raises(IntegrityError, match="never changes"), database.atomic():
        Invoice.update(customer={}).execute()
    last = date(invoice.issued_on.year + 10, 12, 31)
    running.move_on(clock.midnight(last) - clock.now())
    assert due("invoices") == []
    running.move_on(timedelta(days=1))
    assert due("invoices") == [invoice.number]
    rule("invoices").apply(invoice)
    found = Invoice.get()
    assert found.customer == {"nic_handle": alice.nic_handle, "country": "FR"}
    assert found.total_cents == invoice.total_cents
    assert documents.invoice_filename(found)
    with pytest.raises(IntegrityError, match="never changes"), database.atomic():
        Invoice.update(total_cents=1, blanked_at=clock.now()).execute()
