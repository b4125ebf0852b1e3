"""The archive of e-mails: each stored once with its cause, its papers, and how it is found."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import pytest
from flask import Flask

import models
from models import Account, Attachment, ContractFile, Job, Letter, LetterStatus
from records.letters import DocumentKind
from shop import documents, mail, transitions
from shop.jobs import queue
from shop.mail import archive
from tests.support import letter_causes, letters, purchases, racing
from tests.support.mailbox import waiting
from tests.support.parties import Bank, Provider

MakeApp = Callable[..., Flask]

LETTER_INDEX = "letter_key"

# --- Kept ------------------------------------------------------------------------------------


def test_a_letter_is_stored_once_per_key(make_app: MakeApp) -> None:
    alice = waiting(make_app)
    first = letters.activate(alice)
    assert letters.activate(alice).id == first.id
    assert letters.activate(alice, key="2").id != first.id
    assert Job.select().where(Job.key == f"send_letter:{first.id}").count() == 1


def test_concurrent_writers_store_one_letter(make_app: MakeApp) -> None:
    alice = waiting(make_app)
    outcomes = racing.race(lambda: letters.activate(alice), 20)
    assert len({letter.id for letter in outcomes}) == 1
    assert Letter.select().where(Letter.kind == "licence_active").count() == 1
    assert Job.select().where(Job.kind == "send_letter").count() == 2  # and the first letter's


def test_control_without_the_unique_key_there_are_more(alice: Account) -> None:
    with racing.without_index(LETTER_INDEX):
        racing.race(lambda: letters.activate(alice), 5)
        assert Letter.select().where(Letter.kind == "licence_active").count() > 1
        Letter.delete().execute()


def test_a_letter_is_committed_with_its_cause_or_not_at_all(make_app: MakeApp) -> None:
    alice = waiting(make_app)
    with models.database.atomic() as transaction:
        letters.activate(alice)
        transaction.rollback()
    assert not Letter.select().where(Letter.kind == "licence_active").exists()
    assert Job.select().where(Job.kind == "send_letter").count() == 1


def test_without_a_mail_server_letters_end_as_stored(
    alice: Account, bank: Bank, provider: Provider, drain: Callable[[], int]
) -> None:
    order = purchases.place(alice)
    purchases.pay(order, bank)
    created, paid = (letters.the(alice, kind) for kind in ("account_created", "order_placed"))
    assert (created.status, paid.status) == (LetterStatus.STORED, LetterStatus.QUEUED)
    drain()
    assert letters.again(paid).status == LetterStatus.STORED
    assert all(each.content for each in mail.attachments_of(paid)[:1])
    for letter in (created, paid):
        assert [event.name for event in transitions.history(letter)] == ["letter_stored"]


def test_without_a_mail_server_only_papers_are_work(alice: Account) -> None:
    letters.activate(alice)
    assert not Job.select().where(Job.kind == "send_letter").exists()
    letter = letters.the(alice, "account_created")
    assert mail.send_again(letter, by="operator")
    queue.drain()
    assert letters.again(letter).status == LetterStatus.STORED


# --- Found -----------------------------------------------------------------------------------


def test_letters_are_found_newest_first_and_by_subject(alice: Account) -> None:
    order = purchases.place(alice)
    found = list(mail.letters_of(alice))
    assert [letter.kind for letter in found] == ["order_placed", "account_created"]
    assert kinds_found(alice, order.number) == ["order_placed"]
    assert not kinds_found(alice, "nowhere")


@pytest.mark.every_case
@pytest.mark.parametrize("written", ["as shown", "plain spaces", "capitals", "no accents", "NFD"])
def test_letters_are_found_however_the_subject_is_written(
    written: str, alice: Account, bank: Bank, provider: Provider
) -> None:
    letter_causes.licences.service_installed(alice, bank, provider)
    for kind in ("order_placed", "service_installed"):
        subject = letters.the(alice, kind).subject
        plain = unicodedata.normalize("NFD", subject)
        typed = {
            "as shown": subject,
            "plain spaces": subject.replace("\u00a0", " "),
            "capitals": subject.upper(),
            "no accents": "".join(c for c in plain if not unicodedata.combining(c)),
            "NFD": plain,
        }[written]
        assert kinds_found(alice, typed) == [kind]


def kinds_found(account: Account, wanted: str, before: int | None = None) -> list[str]:
    return [letter.kind for letter in mail.search_letters(account, wanted, before).letters]


def test_a_search_examines_a_limited_number_and_can_be_continued(
    alice: Account, bob: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "SEARCH_LIMIT", 2)
    placed = [
        purchases.place(one, purchases.basket(business=1)) for one in (alice, bob, alice, alice)
    ]
    first = mail.search_letters(alice, placed[0].number)
    assert not list(first.letters)
    second = mail.search_letters(alice, placed[0].number, first.before)
    assert [letter.kind for letter in second.letters] == ["order_placed"]
    assert second.before is None
    assert not kinds_found(alice, placed[1].number)


def test_a_search_reads_as_few_of_many_letters_as_of_few(alice: Account) -> None:
    newest = Letter.get(Letter.account == alice)
    row = {name: value for name, value in newest.__data__.items() if name != "id"}
    for start in range(0, 5000, 100):
        Letter.insert_many([row | {"key": f"many:{start + n}"} for n in range(100)]).execute()
    found = mail.search_letters(alice, "nowhere")
    assert not list(found.letters)
    looked_at = Letter.select().where(Letter.account == alice, Letter.id >= found.before)
    assert looked_at.count() == archive.SEARCH_LIMIT


# --- As they are kept ------------------------------------------------------------------------


def test_the_order_comes_with_the_contracts_that_were_accepted(
    alice: Account, drain: Callable[[], int]
) -> None:
    order = purchases.place(alice, purchases.basket(2))
    drain()
    letter = letters.the(alice, "order_placed")
    attached = archive.attachments_of(letter)
    assert [row.filename for row in attached] == [
        f"bon-de-commande-{order.number}.pdf",
        "conditions-generales-de-service-2.pdf",
        "conditions-particulieres-office-365-1.pdf",
        "contrat-client-microsoft-1.pdf",
    ]
    accepted = {acceptance.contract for acceptance in order.acceptances}
    assert {documents.contract_of(contract) for contract in accepted} == {
        archive.content_of(row) for row in attached[1:]
    }


def test_contracts_are_stored_once_for_all_emails(alice: Account, drain: Callable[[], int]) -> None:
    for _ in range(2):
        purchases.place(alice, purchases.basket(2))
        drain()
    of_contracts = Attachment.select().where(Attachment.document == DocumentKind.CONTRACT)
    assert of_contracts.count() == 6
    assert not of_contracts.where(Attachment.content.is_null(False)).exists()
    assert ContractFile.select().count() == 3


@pytest.mark.parametrize(
    ("line", "indent"), [("", ""), ("  ", "  "), ("- ", "  "), ("1. ", "   "), ("  - ", "    ")]
)
def test_a_long_line_is_wrapped_under_its_beginning(line: str, indent: str) -> None:
    words = [f"{'mot' * (number % 5 + 1)}\N{NARROW NO-BREAK SPACE}!" for number in range(40)]
    words[7] = "https://shop.example/" + "a" * 90
    head, *wrapped = archive._wrap_text(f"Bonjour,\n{line}{' '.join(words)}").splitlines()
    assert (head, wrapped[0][: len(line)]) == ("Bonjour,", line)
    assert " ".join(wrapped)[len(line) :].split() == " ".join(words).split()
    assert all(each.startswith(indent) for each in wrapped[1:])
    assert all(len(each) <= archive.TEXT_WIDTH or words[7] in each for each in wrapped)
    assert max(len(each) for each in wrapped if words[7] not in each) > archive.TEXT_WIDTH - 20
