"""What is on record about VAT: consultations of the registry, and proofs of countries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from models import (
    Account,
    Invoice,
    Job,
    PlaceProof,
    ProofKind,
    VatAnswer,
    VatCheck,
    VatStatus,
    database,
)
from shop import clock as shop_clock
from shop.customers import profile
from shop.customers.activity_log import UNKNOWN
from shop.invoicing import ledger_proof
from shop.operations import monitoring
from shop.subscriptions import vat_checks
from shop.vat import company_names, confirmation, evidence
from shop.vat import registry as vat_registry
from shop.vat.registry import Answer, Consultation
from tests.support import billing, groups, purchases, running
from tests.support.parties import Bank, Provider

Drain = Callable[[], int]

BERLIN = {
    "company": "Müller & Söhne GmbH", "vat_number": "DE136695976", "country": "DE",
    "postcode": "10117", "siren": "", "vat_status": VatStatus.UNCONFIRMED,
}  # fmt: skip


class Registry:
    """A registry that answers as told, and counts how often it was asked."""

    def __init__(self) -> None:
        self.says = Consultation(Answer.CONFIRMED, "Müller & Söhne", "Berlin", "WAPIAAAA1")
        self.asked = 0

    def check(self, vat_number: str) -> Consultation:
        """Return what it is told to say."""
        self.asked += 1
        return self.says


@pytest.fixture
def registry(app: Flask) -> Iterator[Registry]:
    told = Registry()
    with vat_registry.registry.using(told):
        yield told


@pytest.fixture
def business(alice: Account) -> Account:
    """Alice, for a company in Berlin whose number was not asked for yet."""
    return become(alice, **BERLIN)


def become(account: Account, **changes: Any) -> Account:
    Account.update(**changes).where(Account.id == account.id).execute()
    return Account.get_by_id(account.id)


def checks() -> list[VatCheck]:
    return list(VatCheck.select().order_by(VatCheck.id))


def status_of(account: Account) -> str:
    return str(Account.get_by_id(account.id).vat_status)


# --- Consultations -------------------------------------------------------------------------------


def test_what_the_registry_said_is_on_record(
    clock: time_machine.Traveller, business: Account, registry: Registry, drain: Drain
) -> None:
    confirmation.request_confirmation(business)
    drain()
    (row,) = checks()
    assert (row.account, row.vat_number, row.answer) == (business, "DE136695976", "confirmed")
    assert (row.name, row.address, row.consultation) == ("Müller & Söhne", "Berlin", "WAPIAAAA1")
    assert (row.company, row.is_fitting) == ("Müller & Söhne GmbH", True)
    assert row.asked_at.date() == shop_clock.now().date()
    assert status_of(business) == VatStatus.CONFIRMED


def test_a_silent_registry_is_asked_again_until_it_answers(
    clock: time_machine.Traveller, business: Account, registry: Registry, drain: Drain
) -> None:
    answer, registry.says = registry.says, vat_registry.SILENT
    confirmation.request_confirmation(business)
    for asked in (1, 2, 3):
        drain()
        assert (registry.asked, checks(), status_of(business)) == (asked, [], "unconfirmed")
        clock.shift(confirmation.RETRY_AFTER)
    registry.says = answer
    drain()
    assert (len(checks()), status_of(business)) == (1, VatStatus.CONFIRMED)
    clock.shift(timedelta(days=2))
    drain()
    assert registry.asked == 4


def test_a_number_that_is_not_known_is_asked_for_again_for_a_month(
    clock: time_machine.Traveller, business: Account, registry: Registry, drain: Drain
) -> None:
    known, registry.says = registry.says, Consultation(Answer.UNKNOWN)
    confirmation.request_confirmation(business)
    drain()
    assert status_of(business) == VatStatus.UNKNOWN
    clock.shift(timedelta(days=1))
    registry.says = known
    drain()
    assert [row.answer for row in checks()] == [VatAnswer.UNKNOWN, VatAnswer.CONFIRMED]
    assert status_of(business) == VatStatus.CONFIRMED


def test_after_a_month_a_number_that_is_not_known_is_left_alone(
    clock: time_machine.Traveller, business: Account, registry: Registry, drain: Drain
) -> None:
    registry.says = Consultation(Answer.UNKNOWN)
    confirmation.request_confirmation(business)
    for _ in range(32):
        drain()
        clock.shift(confirmation.UNKNOWN_AGAIN)
    assert registry.asked == 31
    assert Job.get(Job.kind == "confirm_vat_number").status == "done"


def test_a_number_that_was_changed_meanwhile_is_not_asked_for_again(
    clock: time_machine.Traveller, business: Account, registry: Registry, drain: Drain
) -> None:
    registry.says = Consultation(Answer.UNKNOWN)
    confirmation.request_confirmation(business)
    drain()
    become(business, vat_number="", vat_status=VatStatus.NONE, company="")
    clock.shift(timedelta(days=1))
    drain()
    assert registry.asked == 1


# --- Before renewals -----------------------------------------------------------------------------


@pytest.fixture
def running_group(
    business: Account, registry: Registry, bank: Bank, provider: Provider, drain: Drain
) -> Any:
    """A group of the company in Berlin, whose number was confirmed at its order."""
    confirmation.request_confirmation(business)
    drain()
    return running.delivered(Account.get_by_id(business.id), bank)


def days_before_renewal(group: Any, days: int) -> None:
    left = shop_clock.midnight(running.subscription_of(group).renews_on) - shop_clock.now()
    running.pass_time(left - timedelta(days=days) + timedelta(hours=1))


def test_the_registry_is_asked_again_before_each_renewal_without_vat(
    running_group: Any, registry: Registry, drain: Drain
) -> None:
    before = registry.asked
    days_before_renewal(running_group, 10)
    vat_checks.check_vat_numbers()
    drain()
    assert registry.asked == before
    for _ in range(2):
        days_before_renewal(running_group, 8)
        for _ in range(2):
            vat_checks.check_vat_numbers()
            drain()
        before += 1
        assert registry.asked == before
        running.to_renewal(running_group)
    renewed = Invoice.select().where(Invoice.group == running_group.id)
    assert {row.vat_cents for row in renewed} == {0}
    billing.assert_balanced()


def test_a_number_that_is_not_known_any_more_is_charged_vat_at_the_renewal(
    running_group: Any, business: Account, registry: Registry, drain: Drain
) -> None:
    registry.says = Consultation(Answer.UNKNOWN)
    days_before_renewal(running_group, 7)
    vat_checks.check_vat_numbers()
    drain()
    assert status_of(business) == VatStatus.UNKNOWN
    running.to_renewal(running_group)
    invoice = Invoice.get(Invoice.group == running_group.id)
    assert (invoice.vat_code, invoice.vat_rate) == ("oss:DE", 1900)


def test_a_renewal_relies_on_the_last_answer_while_the_registry_is_silent(
    running_group: Any, business: Account, registry: Registry, drain: Drain
) -> None:
    registry.says = vat_registry.SILENT
    days_before_renewal(running_group, 7)
    vat_checks.check_vat_numbers()
    drain()
    running.to_renewal(running_group)
    assert Invoice.get(Invoice.group == running_group.id).vat_cents == 0
    assert status_of(business) == VatStatus.CONFIRMED
    billing.assert_balanced()


def test_a_number_confirmed_without_a_record_is_asked_for(
    business: Account, registry: Registry, drain: Drain
) -> None:
    become(business, vat_status=VatStatus.CONFIRMED)
    for _ in range(2):
        vat_checks.check_vat_numbers()
        drain()
    assert (registry.asked, len(checks())) == (1, 1)


def test_french_numbers_and_consumers_are_not_asked_for_before_renewals(
    alice: Account, registry: Registry, bank: Bank, provider: Provider, drain: Drain
) -> None:
    become(alice, company="Atelier", vat_number="FR83404833048", vat_status=VatStatus.CONFIRMED)
    days_before_renewal(running.delivered(alice, bank), 1)
    vat_checks.check_vat_numbers()
    drain()
    assert registry.asked == 0


# --- Names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "registered", "fits"),
    [
        ("Müller & Söhne GmbH", "MUELLER UND SOEHNE GMBH", True),
        ("Müller & Söhne GmbH", "MULLER SOHNE", True),
        ("Atelier", "SAS ATELIER DES LILAS", True),
        ("L'Atelier des Lilas S.A.R.L.", "SARL LATELIER DES LILAS", True),
        ("Nordwind B.V.", "NORDWIND BV", True),
        ("Nordvind BV", "NORDWIND BV", True),
        ("Kowalski Sp. z o.o.", "KOWALSKI SPÓŁKA Z OGRANICZONĄ ODPOWIEDZIALNOŚCIĄ", True),
        ("Atelier", "BOULANGERIE DU PORT", False),
        ("Atelier", "---", None),
        ("Atelier", "", None),
        ("", "BOULANGERIE", False),
        ("Λουκάς ΑΕ", "ΛΟΥΚΑΣ ΑΕ", True),
        ("Loukas AE", "ΛΟΥΚΑΣ ΑΕ", False),
        ("SA", "SAS", False),
    ],
)  # fmt: skip
def test_names_are_compared_without_legal_forms(
    given: str, registered: str, fits: bool | None
) -> None:
    assert company_names.fit(given, registered) is fits


@pytest.fixture
def misfit(business: Account, registry: Registry, drain: Drain) -> Account:
    """The company in Berlin, whose number is another one's."""
    registry.says = Consultation(Answer.CONFIRMED, "Bäckerei am Hafen", "Hamburg", "WAPI2")
    confirmation.request_confirmation(business)
    drain()
    return Account.get_by_id(business.id)


def asked(app: Flask, *arguments: str) -> str:
    return app.test_cli_runner().invoke(args=["vat", *arguments]).output


def test_a_name_that_does_not_fit_is_shown_to_the_operator_until_it_is_accepted(
    app: Flask, misfit: Account, registry: Registry, drain: Drain
) -> None:
    assert monitoring.alarms()["misfitting_vat_names"] == 1
    said = asked(app, "names")
    for shown in (misfit.nic_handle, "DE136695976", "Müller & Söhne GmbH", "Bäckerei am Hafen"):
        assert shown in said
    assert "WAPI2" in asked(app, "checks", misfit.nic_handle)
    assert "is accepted" in asked(app, "accept-name", misfit.nic_handle)
    assert "not in doubt" in asked(app, "accept-name", misfit.nic_handle)
    assert monitoring.alarms()["misfitting_vat_names"] == 0
    assert asked(app, "names").startswith("0 name(s)")
    # The same names stay accepted at the next consultation, others do not.
    confirmation.request_again(misfit, "renewal:1")
    drain()
    assert monitoring.alarms()["misfitting_vat_names"] == 0
    registry.says = Consultation(Answer.CONFIRMED, "Fischerei", "", "WAPI3")
    confirmation.request_again(misfit, "renewal:2")
    drain()
    assert monitoring.alarms()["misfitting_vat_names"] == 1


def test_a_company_renamed_is_compared_again(
    app: Flask, misfit: Account, registry: Registry, drain: Drain
) -> None:
    names = (
        "first_name",
        "last_name",
        "street",
        "postcode",
        "city",
        "country",
        "siren",
        "vat_number",
    )
    same = {name: getattr(misfit, name) for name in names}
    profile.change_details(
        misfit, profile.Details(**same, company="Bäckerei am Hafen OHG"), UNKNOWN
    )
    drain()
    assert (len(checks()), monitoring.alarms()["misfitting_vat_names"]) == (2, 0)
    assert status_of(misfit) == VatStatus.CONFIRMED


# --- The country of consumers --------------------------------------------------------------------


def proofs(**sale: Any) -> dict[str, tuple[str, str]]:
    rows = PlaceProof.select().where(*(getattr(PlaceProof, n) == v for n, v in sale.items()))
    return {row.kind: (row.country, row.detail) for row in rows}


@pytest.fixture
def consumer(alice: Account) -> Account:
    """Alice, a consumer in Dublin."""
    return become(
        alice, company="", siren="", vat_number="", vat_status=VatStatus.NONE, country="IE",
        postcode="D02 XY45",
    )  # fmt: skip


def test_the_country_of_a_consumer_is_kept_with_its_proofs(consumer: Account, bank: Bank) -> None:
    bank.card_country = "IE"
    order = purchases.place(consumer)
    placed = {ProofKind.ADDRESS: ("IE", "D02 XY45"), ProofKind.NETWORK: ("", "203.0.113.7")}
    assert proofs(order=order) == placed
    purchases.pay(order, bank)
    assert proofs(order=order) == placed | {ProofKind.CARD: ("IE", "")}
    billing.assert_balanced()


def test_a_renewal_is_proved_by_address_and_card(
    consumer: Account, bank: Bank, provider: Provider
) -> None:
    bank.card_country = "IE"
    group = running.delivered(consumer, bank)
    running.to_renewal(group)
    invoice = Invoice.get(Invoice.group == group.id)
    assert proofs(invoice=invoice) == {
        ProofKind.ADDRESS: ("IE", "D02 XY45"), ProofKind.CARD: ("IE", ""),
    }  # fmt: skip


def test_a_bank_that_tells_no_country_leaves_address_and_network(
    consumer: Account, bank: Bank
) -> None:
    order = purchases.place(consumer)
    purchases.pay(order, bank)
    assert set(proofs(order=order)) == {ProofKind.ADDRESS, ProofKind.NETWORK}
    billing.assert_balanced()


def test_nothing_is_kept_of_a_company_that_owes_the_vat_itself(
    business: Account, bank: Bank
) -> None:
    bank.card_country = "DE"
    confirmed = become(business, vat_status=VatStatus.CONFIRMED)
    purchases.pay(purchases.place(confirmed), bank)
    assert not PlaceProof.select().exists()
    # Until its number is confirmed it is taxed as a consumer, and proved like one.
    order = purchases.place(become(business, vat_status=VatStatus.UNCONFIRMED))
    assert set(proofs(order=order)) == {ProofKind.ADDRESS, ProofKind.NETWORK}


def test_cards_of_another_country_are_shown_to_the_operator(
    app: Flask, consumer: Account, bank: Bank
) -> None:
    for country in ("IE", "DE", ""):
        bank.card_country = country
        purchases.pay(purchases.place(consumer), bank)
    (found,) = evidence.contradictions()
    assert (found.address_country, found.card_country) == ("IE", "DE")
    said = asked(app, "contradictions")
    assert f"{consumer.nic_handle}" in said
    assert "address: IE  card: DE" in said
    listed = asked(app, "proofs", consumer.nic_handle)
    assert listed.count("\n") == 8
    assert "203.0.113.7" in listed


# --- The proof of the ledger ---------------------------------------------------------------------


def test_the_check_finds_a_sale_without_two_proofs(consumer: Account, bank: Bank) -> None:
    purchases.place(consumer)
    order = purchases.place(consumer)
    purchases.pay(order, bank)
    said = f"the country of the consumer of order {order.number} is kept with fewer than two proofs"
    assert said not in list(ledger_proof.find_faults())
    gone = PlaceProof.delete().where(
        PlaceProof.order == order, PlaceProof.kind == ProofKind.NETWORK
    )
    gone.execute()
    assert said in list(ledger_proof.find_faults())


def test_the_check_finds_a_reverse_charge_without_a_confirmation_on_record(
    running_group: Any, bank: Bank
) -> None:
    invoice = Invoice.get()
    said = (
        f"invoice {invoice.number} charges no VAT, and no confirmation of the number is on record"
    )
    assert said not in list(ledger_proof.find_faults())
    database.execute_sql("UPDATE vat_check SET answer = 'unknown'")
    assert said in list(ledger_proof.find_faults())
    assert groups.fresh(running_group).is_open
