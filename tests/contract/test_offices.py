"""The contract of `OfficeProvider`: one set of tests for the sandbox, Microsoft Graph and the
in-process provider of other tests.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shop.errors import PartyRejected, PartyUnavailable
from shop.office.protocol import Operation, OperationStatus, Person
from tests.contract.offices import OfficeUnderTest

DOMAIN = "o365-1-1.o365.example"
ALICE = Person(f"alice@{DOMAIN}", "Alice", "Lefèvre", "fr")
BOB = Person(f"bob.o'neil@{DOMAIN}", "Bob", "O’Neil", "en")
FIRST, SECOND = "Premier-mot-1", "Second-mot-2"


def done(operation: Operation) -> Operation:
    """Check that an operation succeeded, and return it."""
    assert operation.status == OperationStatus.SUCCEEDED, operation
    return operation


def failure(operation: Operation) -> str:
    """Check that an operation failed, and return its code."""
    assert operation.status == OperationStatus.FAILED
    assert operation.reason
    return operation.code


def install(office: OfficeUnderTest, seats: int = 3, offer: str = "business") -> Operation:
    """Install a group at `DOMAIN`."""
    return done(office.provider.create_tenant("install-1", DOMAIN, offer, seats))


def activate(office: OfficeUnderTest, person: Person = ALICE, key: str = "activate-1") -> str:
    """Create a user with the password `FIRST`; return the reference."""
    return done(office.provider.create_user(key, DOMAIN, person, FIRST)).result["user"]


# --- Groups ----------------------------------------------------------------------------------


def test_a_group_is_installed_once_for_each_key(office: OfficeUnderTest) -> None:
    first, again = (install(office) for _ in range(2))
    assert first == again == office.provider.find_operation("install-1")
    assert first.key == "install-1"
    assert first.result["tenant"]


def test_an_unused_key_is_unknown(office: OfficeUnderTest) -> None:
    install(office)
    assert office.provider.find_operation("install-2") is None


def test_a_domain_belongs_to_one_group(office: OfficeUnderTest) -> None:
    install(office)
    other = office.provider.create_tenant("install-2", DOMAIN, "business", 3)
    assert failure(other) == "domain_taken"


def test_an_offer_that_does_not_exist_is_rejected(office: OfficeUnderTest) -> None:
    with pytest.raises(PartyRejected):
        office.provider.create_tenant("install-1", DOMAIN, "home", 1)


def test_a_business_group_has_three_hundred_places_at_most(office: OfficeUnderTest) -> None:
    over = office.provider.create_tenant("install-1", DOMAIN, "business", 301)
    assert failure(over) == "too_many_seats"
    done(office.provider.create_tenant("install-2", DOMAIN, "business", 300))
    assert failure(office.provider.resize_tenant("resize-1", DOMAIN, 301)) == "too_many_seats"


def test_a_pro_plus_group_has_no_limit(office: OfficeUnderTest) -> None:
    install(office, 301, "pro_plus")
    done(office.provider.resize_tenant("resize-1", DOMAIN, 12_000))


def test_places_can_be_added_and_taken_back_while_they_are_free(office: OfficeUnderTest) -> None:
    install(office, 1)
    activate(office)
    full = office.provider.create_user("activate-2", DOMAIN, BOB, FIRST)
    assert failure(full) == "no_free_seat"
    done(office.provider.resize_tenant("resize-1", DOMAIN, 2))
    activate(office, BOB, "activate-3")
    assert failure(office.provider.resize_tenant("resize-2", DOMAIN, 1)) == "seats_in_use"


def test_a_late_retry_of_an_old_call_resizes_nothing(office: OfficeUnderTest) -> None:
    install(office, 1)
    done(office.provider.resize_tenant("resize-1", DOMAIN, 1))
    done(office.provider.resize_tenant("resize-2", DOMAIN, 2))
    done(office.provider.resize_tenant("resize-1", DOMAIN, 1))
    for number, person in enumerate((ALICE, BOB)):
        activate(office, person, f"activate-{number}")


def test_nobody_signs_in_to_a_suspended_group(office: OfficeUnderTest) -> None:
    install(office, 5)
    activate(office)
    suspended = office.provider.suspend_tenant("suspend-1", DOMAIN, "unpaid")
    assert done(suspended) == office.provider.find_operation("suspend-1")
    activate(office, BOB, "activate-2")
    assert not office.can_sign_in(ALICE.address, FIRST)
    assert not office.can_sign_in(BOB.address, FIRST)
    done(office.provider.resume_tenant("resume-1", DOMAIN))
    assert office.can_sign_in(ALICE.address, FIRST)
    assert office.can_sign_in(BOB.address, FIRST)


def test_all_users_of_a_large_group_are_suspended(office: OfficeUnderTest) -> None:
    install(office, 30)
    people = [Person(f"p{n}@{DOMAIN}", "P", str(n), "fr") for n in range(25)]
    for number, person in enumerate(people):
        activate(office, person, f"activate-{number}")
    done(office.provider.suspend_tenant("suspend-1", DOMAIN, "unpaid"))
    assert not any(office.can_sign_in(person.address, FIRST) for person in people[::8])


def test_a_deleted_group_allows_no_sign_in_and_keeps_its_domain(office: OfficeUnderTest) -> None:
    install(office)
    user = activate(office)
    ended = office.provider.delete_tenant("delete-1", DOMAIN)
    assert done(ended) == office.provider.find_operation("delete-1")
    for key in ("delete-1", "delete-2"):
        done(office.provider.delete_tenant(key, DOMAIN))
    assert not office.can_sign_in(ALICE.address, FIRST)
    provider = office.provider
    again = provider.create_tenant("install-2", DOMAIN, "business", 3)
    assert failure(again) == "domain_taken"
    for late in (
        provider.create_user("late-1", DOMAIN, BOB, FIRST),
        provider.update_user("late-2", DOMAIN, user, BOB),
        provider.resize_tenant("late-3", DOMAIN, 5),
        provider.resume_tenant("late-4", DOMAIN),
    ):
        assert failure(late) == "unknown_tenant"


def test_an_unknown_group_is_said_to_be_unknown(office: OfficeUnderTest) -> None:
    provider = office.provider
    for operation in (
        provider.resize_tenant("1", DOMAIN, 5),
        provider.suspend_tenant("2", DOMAIN, "unpaid"),
        provider.resume_tenant("3", DOMAIN),
        provider.delete_tenant("4", DOMAIN),
        provider.create_user("5", DOMAIN, ALICE, FIRST),
        provider.update_user("6", DOMAIN, "unknown", ALICE),
        provider.set_password("7", DOMAIN, "unknown", FIRST),
    ):
        assert failure(operation) == "unknown_tenant"


# --- People ----------------------------------------------------------------------------------


def test_a_person_gets_an_account_once_for_each_key(office: OfficeUnderTest) -> None:
    install(office, 1)
    first, again = (
        office.provider.create_user("activate-1", DOMAIN, ALICE, FIRST) for _ in range(2)
    )
    assert done(first) == again == office.provider.find_operation("activate-1")
    assert office.can_sign_in(ALICE.address, FIRST)
    assert not office.can_sign_in(ALICE.address, SECOND)


def test_many_calls_with_one_key_at_once_make_one_account(office: OfficeUnderTest) -> None:
    install(office, 1)
    users: list[str] = []
    threads = [threading.Thread(target=lambda: users.append(activate(office))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(users) == 4
    assert len(set(users)) == 1
    assert office.can_sign_in(ALICE.address, FIRST)


def test_an_address_belongs_to_one_person_whatever_its_case(office: OfficeUnderTest) -> None:
    install(office)
    activate(office)
    same = replace(BOB, address=ALICE.address.upper().replace(DOMAIN.upper(), DOMAIN))
    taken = office.provider.create_user("activate-2", DOMAIN, same, FIRST)
    assert failure(taken) == "address_taken"


def test_an_address_is_of_the_groups_domain(office: OfficeUnderTest) -> None:
    install(office)
    user = activate(office)
    for address in ("alice@o365.example", "alice", f"@{DOMAIN}"):
        stranger = replace(BOB, address=address)
        for operation in (
            office.provider.create_user(f"activate {address}", DOMAIN, stranger, FIRST),
            office.provider.update_user(f"update {address}", DOMAIN, user, stranger),
        ):
            assert failure(operation) == "wrong_domain"


def test_names_may_be_long_and_of_any_script(office: OfficeUnderTest) -> None:
    install(office)
    activate(office, replace(ALICE, first_name="Ἀλίκη" * 51, last_name="林" * 255))
    assert office.can_sign_in(ALICE.address, FIRST)


def test_a_new_address_replaces_the_old_one(office: OfficeUnderTest) -> None:
    install(office)
    user = activate(office)
    married = Person(f"alice.martin@{DOMAIN}", "Alice", "Martin", "fr")
    updated = office.provider.update_user("update-1", DOMAIN, user, married)
    assert done(updated) == office.provider.find_operation("update-1")
    assert updated.result["user"] == user
    assert office.can_sign_in(married.address, FIRST)
    assert not office.can_sign_in(ALICE.address, FIRST)
    activate(office, replace(BOB, address=ALICE.address), "activate-2")


def test_an_address_cannot_be_changed_to_another_accounts(office: OfficeUnderTest) -> None:
    install(office)
    user = activate(office)
    activate(office, BOB, "activate-2")
    taken = office.provider.update_user(
        "update-1", DOMAIN, user, replace(ALICE, address=BOB.address)
    )
    assert failure(taken) == "address_taken"
    assert office.can_sign_in(ALICE.address, FIRST)


def test_a_new_password_replaces_the_old_one(office: OfficeUnderTest) -> None:
    install(office)
    user = activate(office)
    changed = office.provider.set_password("password-1", DOMAIN, user, SECOND)
    assert done(changed) == office.provider.find_operation("password-1")
    assert office.can_sign_in(ALICE.address, SECOND)
    assert not office.can_sign_in(ALICE.address, FIRST)


def test_a_late_retry_of_an_old_call_reverts_nothing(office: OfficeUnderTest) -> None:
    install(office)
    user = activate(office)
    provider = office.provider
    moved = replace(ALICE, address=f"moved@{DOMAIN}")
    done(provider.set_password("password-1", DOMAIN, user, FIRST))
    done(provider.update_user("update-1", DOMAIN, user, ALICE))
    done(provider.set_password("password-2", DOMAIN, user, SECOND))
    done(provider.update_user("update-2", DOMAIN, user, moved))
    done(provider.set_password("password-1", DOMAIN, user, FIRST))
    done(provider.update_user("update-1", DOMAIN, user, ALICE))
    assert office.can_sign_in(moved.address, SECOND)
    assert not office.can_sign_in(ALICE.address, FIRST)
    created = provider.find_operation("activate-1")
    assert created is not None
    assert done(created).result["user"] == user


def test_an_unknown_person_is_said_to_be_unknown(office: OfficeUnderTest) -> None:
    install(office)
    for operation in (
        office.provider.update_user("1", DOMAIN, "unknown", ALICE),
        office.provider.set_password("2", DOMAIN, "unknown", FIRST),
    ):
        assert failure(operation) == "unknown_user"


def test_people_of_another_group_are_out_of_reach(office: OfficeUnderTest) -> None:
    install(office)
    user = activate(office)
    other = "o365-2-1.o365.example"
    done(office.provider.create_tenant("install-2", other, "business", 1))
    stranger = replace(BOB, address=f"bob@{other}")
    for operation in (
        office.provider.update_user("1", other, user, stranger),
        office.provider.set_password("2", other, user, SECOND),
    ):
        assert failure(operation) == "unknown_user"
    office.provider.delete_user("3", other, user)
    assert office.can_sign_in(ALICE.address, FIRST)


def test_a_released_licence_is_free_and_so_is_its_address(office: OfficeUnderTest) -> None:
    install(office, 1)
    user = activate(office)
    released = office.provider.delete_user("release-1", DOMAIN, user)
    assert done(released) == office.provider.find_operation("release-1")
    assert not office.can_sign_in(ALICE.address, FIRST)
    done(office.provider.delete_user("release-1", DOMAIN, user))
    done(office.provider.delete_user("release-2", DOMAIN, user))
    again = activate(office, key="activate-2")
    assert again != user
    assert office.can_sign_in(ALICE.address, FIRST)
    done(office.provider.delete_user("release-1", DOMAIN, user))
    assert office.can_sign_in(ALICE.address, FIRST)


# --- Sign-ins --------------------------------------------------------------------------------


def test_a_person_who_signed_in_is_told_from_one_who_never_did(office: OfficeUnderTest) -> None:
    install(office)
    alice, bob = activate(office), activate(office, BOB, "activate-2")
    users = [alice, bob, "unknown"]
    assert office.provider.last_sign_ins(DOMAIN, users) == {alice: None, bob: None}
    before = datetime.now(UTC) - timedelta(seconds=5)
    assert office.can_sign_in(ALICE.address, FIRST)
    told = office.provider.last_sign_ins(DOMAIN, users)
    assert told.keys() == {alice, bob}
    assert told[bob] is None
    assert told[alice] is not None
    assert before < told[alice] < datetime.now(UTC) + timedelta(seconds=5)


def test_a_refused_sign_in_is_none(office: OfficeUnderTest) -> None:
    install(office)
    user = activate(office)
    assert not office.can_sign_in(ALICE.address, SECOND)
    assert office.provider.last_sign_ins(DOMAIN, [user]) == {user: None}


def test_sign_ins_of_another_groups_people_are_not_told(office: OfficeUnderTest) -> None:
    install(office)
    user = activate(office)
    other = "o365-2-1.o365.example"
    done(office.provider.create_tenant("install-2", other, "business", 1))
    assert office.provider.last_sign_ins(other, [user]) == {}


def test_sign_ins_of_many_people_are_told_at_once(office: OfficeUnderTest) -> None:
    install(office, 30)
    people = [Person(f"p{n}@{DOMAIN}", "P", str(n), "fr") for n in range(25)]
    users = [activate(office, person, f"activate-{n}") for n, person in enumerate(people)]
    assert office.can_sign_in(people[24].address, FIRST)
    told = office.provider.last_sign_ins(DOMAIN, users)
    assert [user for user in users if told[user] is not None] == [users[24]]


# --- Outages ---------------------------------------------------------------------------------


def test_a_provider_that_does_not_answer_is_unavailable(office: OfficeUnderTest) -> None:
    install(office)
    user = activate(office)
    provider = office.provider
    for ask in (
        lambda: provider.create_tenant("2", "o365-2-1.o365.example", "business", 1),
        lambda: provider.resize_tenant("3", DOMAIN, 2),
        lambda: provider.suspend_tenant("4", DOMAIN, "unpaid"),
        lambda: provider.resume_tenant("5", DOMAIN),
        lambda: provider.create_user("6", DOMAIN, BOB, FIRST),
        lambda: provider.update_user("7", DOMAIN, user, ALICE),
        lambda: provider.set_password("8", DOMAIN, user, SECOND),
        lambda: provider.delete_user("9", DOMAIN, user),
        lambda: provider.delete_tenant("10", DOMAIN),
        lambda: provider.find_operation("2"),
        lambda: provider.last_sign_ins(DOMAIN, [user]),
    ):
        office.fail_next()
        with pytest.raises(PartyUnavailable):
            ask()
    assert office.can_sign_in(ALICE.address, FIRST)


def test_a_lost_response_is_retried_with_the_same_key(office: OfficeUnderTest) -> None:
    office.lose_next()
    with pytest.raises(PartyUnavailable):
        install(office, 1)
    install(office, 1)
    office.lose_next()
    with pytest.raises(PartyUnavailable):
        activate(office)
    user = activate(office)
    assert office.can_sign_in(ALICE.address, FIRST)
    office.lose_next()
    with pytest.raises(PartyUnavailable):
        office.provider.delete_user("release-1", DOMAIN, user)
    done(office.provider.delete_user("release-1", DOMAIN, user))
    assert not office.can_sign_in(ALICE.address, FIRST)
