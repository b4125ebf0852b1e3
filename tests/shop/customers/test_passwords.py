"""Passwords: hashing, and resets that do not reveal whether an account exists."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta

import pyotp
import pytest
import time_machine
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type
from flask import Flask

from models import Account, Job, JobStatus, Letter, OneTimeLink, Session, database
from records.accounts import LinkPurpose
from shop.customers import (
    email_proofs,
    one_time_links,
    password_changes,
    passwords,
    sessions,
    sign_in,
)
from shop.customers.activity_log import UNKNOWN
from shop.customers.two_factor import totp
from shop.errors import Refusal
from shop.jobs import queue
from shop.operations import worker
from shop.settings import Settings
from tests.support import belongings, cast, racing
from tests.support.client import CheckingClient, browser
from tests.support.visitor import Visitor

MakeApp = Callable[..., Flask]

NEW = "Another-Horse-8"


class CountingHasher:
    """A hasher that counts verifications, each of the same cost and the only slow step.

    ``afterwards`` is done once, when a password was found right and nothing follows from it yet.
    """

    def __init__(self, hasher: PasswordHasher) -> None:
        self._hasher = hasher
        self.calls: list[str] = []
        self.longest = 0
        self.afterwards: Callable[[], object] | None = None

    def hash(self, password: str) -> str:
        self.calls.append("hash")
        return self._hasher.hash(password)

    def verify(self, hashed: str, password: str) -> bool:
        self.calls.append("verify")
        self.longest = max(self.longest, len(password))
        is_right = self._hasher.verify(hashed, password)
        then, self.afterwards = self.afterwards, None
        if then:
            then()
        return is_right

    def check_needs_rehash(self, hashed: str) -> bool:
        return self._hasher.check_needs_rehash(hashed)


@pytest.fixture
def hasher(app: Flask, monkeypatch: pytest.MonkeyPatch) -> CountingHasher:
    counting = CountingHasher(passwords.hashing().hasher)
    monkeypatch.setattr(passwords.hashing(), "hasher", counting)
    return counting


def ask_for_link(client: CheckingClient, identifier: str) -> None:
    assert client.ask("POST", "/fr/password", {"identifier": identifier}).status_code == 200


def link_of(client: CheckingClient, account: Account) -> str:
    ask_for_link(client, account.nic_handle)
    queue.drain()
    return f"/fr/password/{belongings.token_of(account, 'password_reset')}"


# --- Kept ------------------------------------------------------------------------------------


def test_passwords_are_kept_as_argon2id_at_the_cost_of_the_settings(
    make_app: MakeApp, app: Flask
) -> None:
    shipped = Settings()
    make_app(
        ARGON2_MEMORY_KIB=str(shipped.argon2_memory_kib), ARGON2_PASSES=str(shipped.argon2_passes)
    )
    kept = extract_parameters(cast.register(cast.ALICE).password_hash)
    assert (kept.type, kept.memory_cost, kept.time_cost) == (Type.ID, 19456, 2)
    assert kept.salt_len >= 16
    assert kept.hash_len >= 32


def test_a_hash_of_another_cost_is_renewed_on_signing_in(alice: Account, make_app: MakeApp) -> None:
    before = alice.password_hash
    browser(make_app(ARGON2_MEMORY_KIB="16"))
    sign_in.sign_in(alice.nic_handle, cast.PASSWORD, "203.0.113.7")
    after = Account.get_by_id(alice.id).password_hash
    assert extract_parameters(before).memory_cost == 8
    assert extract_parameters(after).memory_cost == 16
    sign_in.sign_in(alice.nic_handle, cast.PASSWORD, "203.0.113.7")
    assert Account.get_by_id(alice.id).password_hash == after


def test_a_wrong_password_renews_nothing(alice: Account, make_app: MakeApp) -> None:
    browser(make_app(ARGON2_MEMORY_KIB="16"))
    with pytest.raises(sign_in.SignInRefused):
        sign_in.sign_in(alice.nic_handle, "wrong", "203.0.113.7")
    assert Account.get_by_id(alice.id).password_hash == alice.password_hash


def changed_elsewhere(account: Account) -> None:
    password_changes.change_password(Account.get_by_id(account.id), NEW)


def test_renewing_a_hash_undoes_no_change_of_password(
    alice: Account, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser(make_app(ARGON2_MEMORY_KIB="16"))
    with monkeypatch.context() as patched:
        hasher = CountingHasher(passwords.hashing().hasher)
        patched.setattr(passwords.hashing(), "hasher", hasher)
        hasher.afterwards = lambda: changed_elsewhere(alice)
        seen = sign_in.sign_in(alice.nic_handle, cast.PASSWORD, "203.0.113.7")
    assert sign_in.sign_in(alice.nic_handle, NEW, "203.0.113.7") == alice
    with pytest.raises(sign_in.SignInRefused):
        sign_in.sign_in(alice.nic_handle, cast.PASSWORD, "203.0.113.7")
    with pytest.raises(sessions.PasswordChanged):
        sessions.start_session(seen, UNKNOWN)


@pytest.mark.every_case
@pytest.mark.parametrize("second_step", [False, True])
def test_a_password_changed_during_the_check_refuses_the_sign_in(
    visitor: Visitor, alice: Account, hasher: CountingHasher, second_step: bool
) -> None:
    if second_step:
        row = totp.begin_enrolment(alice)
        totp.finish_enrolment(row, pyotp.TOTP(totp.secret_of(row)).now(), UNKNOWN)
    visitor.open("/login")
    hasher.afterwards = lambda: changed_elsewhere(alice)
    answer = visitor.press("Se connecter", nic_handle=alice.nic_handle, password=cast.PASSWORD)
    assert answer.status_code == 422
    assert visitor.sees("Le mot de passe de ce compte vient d’être modifié.")
    assert visitor.client.get("/manager/web").status_code == 303
    assert visitor.client.get("/login/second-step").status_code == 303
    assert not Session.select().where(Session.account == alice).exists()


def test_of_sessions_begun_while_passwords_change_the_last_ones_stay(alice: Account) -> None:
    turns = itertools.count()

    def act() -> tuple[str, str] | None:
        who = Account.get_by_id(alice.id)
        if next(turns) % 2:
            return who.password_hash, sessions.start_session(who, UNKNOWN)
        password_changes.change_password(who, NEW)
        return None

    outcomes = racing.race(act, times=12)
    begun = [outcome for outcome in outcomes if isinstance(outcome, tuple)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert {type(error) for error in refused} <= {sessions.PasswordChanged}, refused
    last = Account.get_by_id(alice.id).password_hash
    given = {password_hash for password_hash, token in begun if sessions.find_session(token)}
    assert given <= {last}


def test_equal_passwords_have_different_hashes(alice: Account, bob: Account) -> None:
    assert alice.password_hash != bob.password_hash


@pytest.mark.parametrize("password", ["Correct-Horse-7 ", "correct-horse-7", "Correct-Horse-", ""])
def test_a_similar_password_is_refused(alice: Account, password: str) -> None:
    with pytest.raises(sign_in.SignInRefused):
        sign_in.sign_in(alice.nic_handle, password, "203.0.113.7")


def test_a_password_of_any_script_and_length_works_whole(alice: Account) -> None:
    password = "пароль-パスワード-💣" * 20
    password_changes.change_password(alice, password[:256])
    assert sign_in.sign_in(alice.nic_handle, password[:256], "203.0.113.7") == alice
    for other in (password[:255], password[:256] + "x"):
        with pytest.raises(sign_in.SignInRefused):
            sign_in.sign_in(alice.nic_handle, other, "203.0.113.7")


# --- The same work whether the account exists or not -------------------------------------------


def test_signing_in_is_the_same_work_whether_the_account_exists(
    hasher: CountingHasher, alice: Account
) -> None:
    work = []
    for name in (alice.nic_handle, "zz99999-ovh", "", "' OR 1=1"):
        hasher.calls.clear()
        with pytest.raises(sign_in.SignInRefused) as refused:
            sign_in.sign_in(name, "wrong", "203.0.113.7")
        work.append((list(hasher.calls), str(refused.value), refused.value.field))
    assert all(done == work[0] for done in work)
    assert work[0][0] == ["verify"]


def test_the_dummy_hash_has_the_same_cost_as_a_customers(app: Flask) -> None:
    dummy = extract_parameters(passwords.hashing().dummy_hash)
    real = extract_parameters(cast.register(cast.ALICE).password_hash)
    assert dummy == real


def test_a_very_long_password_costs_no_more_work(hasher: CountingHasher, alice: Account) -> None:
    with pytest.raises(Refusal):
        sign_in.sign_in(alice.nic_handle, "x" * 100_000, "203.0.113.7")
    assert hasher.longest == passwords.MAX_PASSWORD_LENGTH + 1


def test_requesting_a_link_does_not_reveal_whether_an_account_exists(
    app: Flask, alice: Account
) -> None:
    answers, work = [], []
    for identifier in (alice.nic_handle, alice.email, "zz99999-ovh", "nobody@example.com"):
        client = browser(app)
        token = client.csrf_token()
        page = client.ask("POST", "/fr/password", {"identifier": identifier}, token)
        answers.append((page.status_code, page.text.replace(identifier, "…")))
        work.append([statement.split(" VALUES")[0] for statement in client.statements])
    assert all(answer[0] == 200 for answer in answers)
    pages = [[line for line in text.splitlines() if "csrf" not in line.lower()]
             for _, text in answers]  # fmt: skip
    assert all(page == pages[0] for page in pages)
    assert all(done == work[0] for done in work)
    queue.drain()
    assert Letter.select().where(Letter.kind == "password_reset").count() == 2


def test_each_account_of_an_address_gets_its_own_link(client: CheckingClient) -> None:
    both = [cast.register(cast.ALICE), cast.register(cast.ALICE)]
    ask_for_link(client, cast.ALICE["email"].upper())
    queue.drain()
    tokens = {belongings.token_of(account, "password_reset") for account in both}
    assert len(tokens) == 2


SPELLINGS = [
    ("jose\u0301@exemple.example", "josé@exemple.example"),
    ("JOSÉ@exemple.example", "jose\u0301@EXEMPLE.example"),
    ("bob@xn--mnchen-3ya.example", "bob@münchen.example"),
    ("bob@MÜNCHEN.example", "bob@xn--mnchen-3ya.example"),
]
"""Pairs of spellings of one e-mail address."""


@pytest.mark.every_case
@pytest.mark.parametrize(("given", "typed"), SPELLINGS)
def test_an_address_is_found_however_it_is_written(
    given: str, typed: str, client: CheckingClient
) -> None:
    account = cast.register(cast.ALICE, email=given)
    ask_for_link(client, typed)
    queue.drain()
    assert belongings.token_of(account, "password_reset")


@pytest.mark.parametrize("more", [0, 1, 11])
def test_every_account_of_an_address_gets_a_link_a_few_at_a_time(
    more: int, client: CheckingClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Accounts opened before their number was limited.
    monkeypatch.setattr(email_proofs, "MOST_PROVED", 100)
    number = password_changes.LINKS_PER_JOB + more
    owned = [cast.register(cast.ALICE) for _ in range(number)]
    ask_for_link(client, owned[0].email)
    before, most = 0, 0
    while job := Job.get_or_none(Job.kind == "send_reset_links", Job.status == JobStatus.QUEUED):
        queue.run_job(job.id)
        written = Letter.select().where(Letter.kind == "password_reset").count()
        before, most = written, max(most, written - before)
    assert most == password_changes.LINKS_PER_JOB
    told = Letter.select(Letter.account).where(Letter.kind == "password_reset")
    assert sorted(letter.account.id for letter in told) == [account.id for account in owned]


def test_asking_is_limited_by_account_and_by_address(make_app: MakeApp, alice: Account) -> None:
    client = browser(make_app(RATE_LIMITS="on"))
    token = client.csrf_token()
    for name in (alice.nic_handle, "zz99999-ovh"):
        asked = [client.ask("POST", "/fr/password", {"identifier": name}, token) for _ in range(6)]
        assert [answer.status_code for answer in asked] == [200] * 5 + [429]
    others = [
        client.ask("POST", "/fr/password", {"identifier": f"zz{n:05d}-ovh"}, token)
        for n in range(20)
    ]
    assert [answer.status_code for answer in others] == [200] * 18 + [429] * 2


# --- The link ----------------------------------------------------------------------------------


def test_a_link_gives_a_new_password_and_ends_every_session(
    app: Flask, visitor: Visitor, alice: Account
) -> None:
    inside = Visitor(browser(app))
    inside.log_in(alice)
    visitor.open(link_of(visitor.client, alice))
    visitor.press("Changer mon mot de passe", password=NEW, password_confirmation=NEW)
    assert visitor.address == "/login"
    assert inside.client.get("/manager/web").status_code == 303
    with pytest.raises(sign_in.SignInRefused):
        sign_in.sign_in(alice.nic_handle, cast.PASSWORD, "203.0.113.7")
    assert sign_in.sign_in(alice.nic_handle, NEW, "203.0.113.7") == alice
    assert Letter.select().where(Letter.kind == "password_changed").count() == 1


def test_a_link_works_once(client: CheckingClient, alice: Account) -> None:
    link = link_of(client, alice)
    form = {"password": NEW, "password_confirmation": NEW}
    assert client.ask("POST", link, form).status_code == 303
    assert client.get(link).status_code == 410
    assert client.ask("POST", link, form).status_code == 410


def test_a_mistyped_password_does_not_use_the_link_up(
    client: CheckingClient, alice: Account
) -> None:
    link = link_of(client, alice)
    for first, second in ((NEW, "Other-Horse-9"), ("short", "short"), ("", "")):
        form = {"password": first, "password_confirmation": second}
        assert client.ask("POST", link, form).status_code == 422
    assert client.get(link).status_code == 200


def test_a_link_used_concurrently_works_once(client: CheckingClient, alice: Account) -> None:
    token = link_of(client, alice).rsplit("/", 1)[-1]
    database.close()
    links = [password_changes.find_reset(token) for _ in range(8)]
    numbers = iter(range(8))
    outcomes = racing.race(
        lambda: password_changes.reset_password(
            links[number := next(numbers)], f"Racing-Horse-{number}"
        ),
        8,
    )
    assert sorted(outcomes) == [False] * 7 + [True]
    assert Letter.select().where(Letter.kind == "password_changed").count() == 1


def test_a_link_expires(
    client: CheckingClient, alice: Account, clock: time_machine.Traveller
) -> None:
    link = link_of(client, alice)
    clock.shift(timedelta(minutes=59))
    assert client.get(link).status_code == 200
    clock.shift(timedelta(minutes=2))
    assert client.get(link).status_code == 410
    form = {"password": NEW, "password_confirmation": NEW}
    assert client.ask("POST", link, form).status_code == 410
    sign_in.sign_in(alice.nic_handle, cast.PASSWORD, "203.0.113.7")


def test_a_changed_password_voids_links_sent_before(client: CheckingClient, alice: Account) -> None:
    link = link_of(client, alice)
    password_changes.change_password(alice, NEW)
    assert client.get(link).status_code == 410


def test_links_are_deleted_a_month_after_they_expired(
    client: CheckingClient, alice: Account, clock: time_machine.Traveller
) -> None:
    link_of(client, alice)
    clock.shift(timedelta(days=30))
    worker.delete_expired()
    assert OneTimeLink.select().count() == 1
    clock.shift(timedelta(days=1))
    worker.delete_expired()
    assert not OneTimeLink.select().exists()


def test_the_database_holds_no_link(client: CheckingClient, alice: Account) -> None:
    token = link_of(client, alice).rsplit("/", 1)[-1]
    assert OneTimeLink.select().count() == 1
    rows = [*OneTimeLink.select().dicts(), *Letter.select().dicts()]
    assert token not in str(rows)


def test_a_link_of_another_purpose_changes_no_password(
    client: CheckingClient, alice: Account
) -> None:
    token = one_time_links.new_link(alice, LinkPurpose.SECOND_STEP, timedelta(hours=1))
    assert client.get(f"/fr/password/{token}").status_code == 410
