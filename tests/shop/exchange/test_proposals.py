"""The logins proposed for mailboxes: valid, unique, and the mailbox's own where that can be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import ExchangeAccount, MailboxKind
from shop.exchange import proposals
from shop.licences.seats import rules


def mailbox(number: int, address: str, first: str = "", last: str = "") -> ExchangeAccount:
    kind = MailboxKind.PERSON if first else MailboxKind.SHARED
    return ExchangeAccount(id=number, address=address, first_name=first, last_name=last, kind=kind)


def logins(*given: tuple[str, str, str]) -> list[str]:
    made = [mailbox(number, *each) for number, each in enumerate(given)]
    return [each.login for each in proposals.propose(made)]


@pytest.mark.parametrize(
    ("address", "first", "last", "login"),
    [
        ("zoe.lefevre@a.example", "Zoé", "Lefèvre", "zoe.lefevre"),
        ("Zoe.Lefevre@a.example", "Zoé", "Lefèvre", "Zoe.Lefevre"),
        ("brendan.o'connor@a.example", "Brendan", "O’Connor", "brendan.o'connor"),
        ("jean-baptiste.de-la-rochefoucauld@a.example", "Jean-Baptiste", "de La Rochefoucauld",
         "j.rochefoucauld"),
        ("jo@a.example", "Jo", "Petit", "j.petit"),
        ("it@atelier.example", "", "", "it.atelier"),
        ("zoe+news@a.example", "Zoé", "Lefèvre", "zoe"),
        ("søren.æ@a.example", "Søren", "Æbelø", "soren.ae"),
        ("王小明@a.example", "小明", "王", "user"),
        ("configureme@a.example", "Anne", "Ly", "a.ly"),
    ],
)  # fmt: skip
def test_a_login_is_the_local_part_or_like_it(
    address: str, first: str, last: str, login: str
) -> None:
    assert logins((address, first, last)) == [login]


def test_whoever_can_keep_their_own_does_wherever_they_stand() -> None:
    long = ("zoe.lefevre-de-la-tour@a.example", "Zoé", "Lefèvre")
    assert logins(long, ("z.lefevre@a.example", "Zacharie", "Lefèvre")) == [
        "zoe.lefevre", "z.lefevre",
    ]  # fmt: skip


def test_two_domains_with_one_local_part_have_two_logins() -> None:
    twins = [(f"info@{place}.example", "", "") for place in ("lille", "lyon", "lille", "lille")]
    assert logins(*twins) == ["info", "info.lyon", "info.lille", "lille.info"]


LOCALS = st.text("aZé.-_'+ ß王0", min_size=1, max_size=30)
NAMES = st.text("aé -’", max_size=12)


@given(st.lists(st.tuples(LOCALS, NAMES, NAMES), max_size=25))
def test_all_are_valid_and_differ(people: list[tuple[str, str, str]]) -> None:
    found = logins(*[(f"{local}@a.example", first, last) for local, first, last in people])
    assert all(rules.read_login(login) == login for login in found)
    assert len({login.lower() for login in found}) == len(people)
