"""The search of the desk: what it finds a customer by, and what a search costs."""

from __future__ import annotations

import importlib

import pytest

from models import Account, AccountCredit, AccountKey, Payment, Refund, database
from shop import clock
from shop.customers import profile, search_keys
from shop.customers.activity_log import UNKNOWN
from shop.customers.profile import Details
from shop.invoicing import credit_notes
from shop.overviews import customer_search
from shop.overviews.customer_search import Found
from tests.support import queries
from tests.support.belongings import Belongings

COMPANY = Details(
    first_name="Élodie", last_name="de la Tour", street="1 rue", postcode="59000", city="Lille",
    country="FR", company="Société Générale d’Œuvres", siren="732829320",
    vat_number="FR44732829320",
)  # fmt: skip


@pytest.fixture
def elodie(bob: Account) -> Account:
    """A company's customer, whose details were changed."""
    profile.change_details(bob, COMPANY, UNKNOWN)
    profile.change_email(bob, "elodie.delatour@œuvres.example", UNKNOWN)
    return bob


def found(typed: str) -> tuple[list[str], list[tuple[str, str, str]]]:
    """Return the customers and the hits of a search, by nic-handle."""
    result = customer_search.search_customers(typed)
    return (
        [row.nic_handle for row in result.customers],
        [(str(hit.kind), hit.reference, hit.account.nic_handle) for hit in result.hits],
    )


def test_a_customer_is_found_by_the_beginning_of_every_detail(
    elodie: Account, charlie: Account
) -> None:
    for typed in (
        "elodie", "ÉLODIE DE LA", "Tour Elodie", "la tour", "societe generale", "générale d'œ",
        "732829320", "732 829 320", "FR44 732 829 320", "fr44732", elodie.nic_handle,
        elodie.nic_handle.upper()[:7], "elodie.delatour@œuvres.example", "Delatour@", "œuvres.ex",
    ):  # fmt: skip
        assert found(typed) == ([elodie.nic_handle], []), typed
    former = [("letter", "bob@atelier.example", elodie.nic_handle)]
    assert found("Bob@Atelier.example") == ([], former)
    for typed in ("", "  -", "bob", "nobody", "%", "_", "\x7f", "é" * 500, "73282932 1"):
        assert customer_search.search_customers(typed) == Found([], []), typed
    account = customer_search.search_customers("delatour").only_customer
    assert account == elodie


def test_everything_of_a_customer_leads_to_them(alices: Belongings, charlie: Account) -> None:
    nic = alices.account.nic_handle
    number = alices.delivered.number
    invoice, group = alices.invoice, alices.group
    payment = Payment.get(Payment.order == alices.delivered)
    with database.atomic():
        remaining = credit_notes.remaining_of(alices.invoice)
        note = credit_notes.credit(alices.invoice, remaining, "Geste", by="operator")
    refund = Refund.create(
        payment=payment, cents=1, key="k", method="manual", reference="VIR 2026 ab",
        origin="bank", created_at=clock.now(),
    )  # fmt: skip
    Payment.update(reference="SEPA 77 x").where(Payment.id == payment.id).execute()
    AccountCredit.create(
        account=alices.account, kind="transfer", cents=1, reference="SEPA78", by="staff:sam",
        received_on=clock.today(), at=clock.now(),
    )  # fmt: skip
    address = f"camille.dupont@{group.domain}"
    for typed, kind, reference in (
        (number, "order", number),
        (f" {number[:4]} {number[4:]}", "order", number),
        (invoice.number.lower(), "invoice", invoice.number),
        (note.number, "credit_note", note.number),
        (payment.checkout, "bank", payment.checkout),
        (refund.reference, "bank", refund.reference),
        ("SEPA  77 x", "bank", "SEPA 77 x"),
        ("SEPA 78", "bank", "SEPA78"),
        (alices.card.mandate, "bank", alices.card.mandate),
        (address.upper(), "licence", address),
        (f"other@{group.domain}", "service", group.name),
        (group.domain, "service", group.name),
        (group.name, "service", group.name),
    ):
        assert (kind, reference, nic) in found(typed)[1], typed


def test_a_search_with_many_hits_lists_some_and_says_so(alice: Account) -> None:
    kept = alice.__data__ | {"company": "Many & Co"}
    del kept["id"]
    for number in range(customer_search.MOST_CUSTOMERS):
        row = Account.create(**kept | {"nic_handle": f"m{number}-ovh"})
        search_keys.write_keys(row)
    whole = customer_search.search_customers("many")
    assert (len(whole.customers), whole.is_cut) == (customer_search.MOST_CUSTOMERS, False)
    search_keys.write_keys(Account.create(**kept | {"nic_handle": "last-ovh"}))
    cut = customer_search.search_customers("Many")
    assert (len(cut.customers), cut.is_cut) == (customer_search.MOST_CUSTOMERS, True)


def test_no_search_reads_a_whole_table(alices: Belongings) -> None:
    group, number = alices.group, alices.delivered.number
    for typed in (f"camille.dupont@{group.domain}", "lefevre", "12 34", number):
        assert queries.scanned_by(lambda typed=typed: customer_search.search_customers(typed)) == []
    assert queries.scanned_by(lambda: list(Account.select().where(Account.company == "x"))) != []


def test_the_migration_writes_the_keys_that_the_shop_writes(
    elodie: Account, charlie: Account
) -> None:
    migration = importlib.import_module("migrations.0096_customer_search")
    kept = {(bytes(row.key), row.account_id) for row in AccountKey.select()}
    AccountKey.delete().execute()
    with database.bind_ctx([migration.Account, migration.AccountKey]):
        migration.fill()
    assert {(bytes(row.key), row.account_id) for row in AccountKey.select()} == kept
    AccountKey.delete().where(AccountKey.account == elodie).execute()
    assert (search_keys.write_missing(), search_keys.write_missing()) == (1, 0)
    assert {(bytes(row.key), row.account_id) for row in AccountKey.select()} == kept
