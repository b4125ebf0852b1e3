"""Tests of Microsoft Graph only: tokens, limits, replication lag, interrupted operations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from shop.errors import PartyRejected, PartyUnavailable
from shop.office.graph import GraphProvider
from shop.office.graph.groups import Groups
from shop.office.graph.memory import Group, User
from shop.office.graph.people import People
from shop.office.protocol import Operation, OperationStatus, Person, SignInsUnknown
from tests.contract import offices
from tests.contract.directory import SKUS
from tests.contract.offices import GraphUnderTest
from tests.contract.serving import Reply
from tests.contract.test_offices import ALICE, BOB, DOMAIN, FIRST, SECOND, activate, done, failure
from tests.contract.test_offices import install as install_at
from tests.support.certificates import Certificate

MAX_CALLS = 12
"""An upper limit of calls in one operation (a test below fails if one takes more)."""

Begin = Callable[[GraphProvider], Operation]


@pytest.fixture
def graph(certificate: Certificate) -> Iterator[GraphUnderTest]:
    """Serve Graph on this machine."""
    with offices.serve_graph(certificate) as served:
        yield served


def install(graph: GraphUnderTest, seats: int = 3, offer: str = "business") -> str:
    return install_at(graph, seats, offer).result["tenant"]


# --- What Microsoft receives -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("offer", "product"), [("business", "O365_BUSINESS"), ("pro_plus", "OFFICESUBSCRIPTION")]
)
def test_an_account_has_the_licence_of_its_offer(
    graph: GraphUnderTest, offer: str, product: str
) -> None:
    install(graph, offer=offer)
    user = graph.server.directory.user(activate(graph))
    assert [one["skuId"] for one in user["assignedLicenses"]] == [SKUS[product]]
    assert user["usageLocation"] == "FR"
    assert user["preferredLanguage"] == "fr-FR"
    assert (user["givenName"], user["surname"]) == ("Alice", "Lefèvre")
    assert user["displayName"] == "Alice Lefèvre"
    assert user["passwordProfile"]["forceChangePasswordNextSignIn"] is False


def test_a_group_is_a_domain_and_a_security_group_of_its_people(graph: GraphUnderTest) -> None:
    tenant = install(graph)
    user = activate(graph)
    directory = graph.server.directory
    assert directory.domains[DOMAIN]["isVerified"]
    assert directory.groups[tenant]["displayName"] == DOMAIN
    assert directory.members[tenant] == [user]


def test_an_existing_domain_is_used(graph: GraphUnderTest) -> None:
    graph.server.directory.add_domain(DOMAIN)
    install(graph)


def test_a_domain_whose_parent_is_not_verified_cannot_be_used(graph: GraphUnderTest) -> None:
    operation = graph.provider.create_tenant("1", "o365-1.nobody.example", "business", 1)
    assert failure(operation) == "unverified_domain"
    assert not graph.server.directory.groups


def test_another_owners_group_of_that_name_is_left_alone(graph: GraphUnderTest) -> None:
    theirs = {
        "displayName": "Theirs",
        "description": "Our friends",
        "mailNickname": "theirs",
        "mailEnabled": False,
        "securityEnabled": True,
    }
    graph.server.directory.upsert_group(DOMAIN, theirs, create=True)
    operation = graph.provider.create_tenant("1", DOMAIN, "business", 1)
    assert failure(operation) == "domain_taken"
    assert graph.server.directory.group(f"uniqueName='{DOMAIN}'")["displayName"] == "Theirs"


def test_microsofts_reason_for_refusing_a_weak_password_is_passed_on(graph: GraphUnderTest) -> None:
    install(graph)
    user = activate(graph)
    weak = graph.provider.set_password("password-1", DOMAIN, user, "tooweak")
    assert failure(weak) == "weak_password"
    assert "complexity" in weak.reason
    also_weak = graph.provider.create_user("activate-2", DOMAIN, BOB, "tooweak")
    assert failure(also_weak) == "weak_password"
    assert graph.can_sign_in(ALICE.address, FIRST)


# --- Licences the reseller has ---------------------------------------------------------------


def test_without_a_free_licence_no_account_remains(graph: GraphUnderTest) -> None:
    directory = graph.server.directory
    directory.stock["O365_BUSINESS"] = 1
    install(graph)
    activate(graph)
    out = graph.provider.create_user("activate-2", DOMAIN, BOB, FIRST)
    assert failure(out) == "no_free_seat"
    assert len(directory.users) == 1
    directory.stock["O365_BUSINESS"] = 2
    activate(graph, BOB, "activate-3")


def test_a_product_the_reseller_does_not_have_is_not_installed(graph: GraphUnderTest) -> None:
    directory = graph.server.directory
    del directory.stock["OFFICESUBSCRIPTION"]
    operation = graph.provider.create_tenant("1", DOMAIN, "pro_plus", 1)
    assert failure(operation) == "no_free_seat"
    directory.stock["OFFICESUBSCRIPTION"] = 10
    done(graph.provider.create_tenant("2", DOMAIN, "pro_plus", 1))


def test_a_released_licence_can_be_given_to_another_person(graph: GraphUnderTest) -> None:
    graph.server.directory.stock["O365_BUSINESS"] = 1
    install(graph)
    done(graph.provider.delete_user("release-1", DOMAIN, activate(graph)))
    activate(graph, BOB, "activate-2")
    assert graph.server.directory.used("O365_BUSINESS") == 1


# --- Interrupted operations --------------------------------------------------------------------


def settled(graph: GraphUnderTest, key: str, begin: Begin) -> Operation:
    """Recover as the shop does: another process looks the key up, else repeats the call."""
    adapter = graph.adapter()
    return done(adapter.find_operation(key) or begin(adapter))


def cut_short(graph: GraphUnderTest, after: int, begin: Begin) -> bool:
    """Lose the response of one call of an operation; False if it takes fewer calls."""
    adapter = graph.adapter()
    adapter.find_operation("to have a token")
    graph.faults.passing, graph.faults.losing = after, 1
    try:
        begin(adapter)
    except PartyUnavailable:
        return True
    finally:
        graph.faults.passing = graph.faults.losing = 0
    return False


@pytest.mark.parametrize("after", range(MAX_CALLS))
def test_an_interrupted_installation_is_completed(graph: GraphUnderTest, after: int) -> None:
    def begin(provider: GraphProvider) -> Operation:
        return provider.create_tenant("install-1", DOMAIN, "business", 3)

    cut_short(graph, after, begin)
    tenant = settled(graph, "install-1", begin).result["tenant"]
    assert list(graph.server.directory.groups) == [tenant]
    activate(graph)


@pytest.mark.parametrize("after", range(MAX_CALLS))
def test_an_interrupted_activation_is_completed(graph: GraphUnderTest, after: int) -> None:
    def begin(provider: GraphProvider) -> Operation:
        return provider.create_user("activate-1", DOMAIN, ALICE, FIRST)

    install(graph, 1)
    cut_short(graph, after, begin)
    user = settled(graph, "activate-1", begin).result["user"]
    assert list(graph.server.directory.users) == [user]
    assert graph.server.directory.used("O365_BUSINESS") == 1
    assert graph.can_sign_in(ALICE.address, FIRST)


@pytest.mark.parametrize("after", range(MAX_CALLS))
def test_an_interrupted_release_is_completed(graph: GraphUnderTest, after: int) -> None:
    install(graph, 1)
    user = activate(graph)

    def begin(provider: GraphProvider) -> Operation:
        return provider.delete_user("release-1", DOMAIN, user)

    cut_short(graph, after, begin)
    settled(graph, "release-1", begin)
    assert not graph.server.directory.users
    activate(graph, BOB, "activate-2")


@pytest.mark.parametrize("after", range(MAX_CALLS))
def test_an_interrupted_suspension_is_completed(graph: GraphUnderTest, after: int) -> None:
    def begin(provider: GraphProvider) -> Operation:
        return provider.suspend_tenant("suspend-1", DOMAIN, "unpaid")

    install(graph)
    for number, person in enumerate((ALICE, BOB)):
        activate(graph, person, f"activate-{number}")
    cut_short(graph, after, begin)
    settled(graph, "suspend-1", begin)
    for person in (ALICE, BOB):
        assert not graph.can_sign_in(person.address, FIRST)


@pytest.mark.parametrize("after", range(MAX_CALLS))
def test_an_interrupted_termination_is_completed(graph: GraphUnderTest, after: int) -> None:
    def begin(provider: GraphProvider) -> Operation:
        return provider.delete_tenant("delete-1", DOMAIN)

    install(graph)
    for number, person in enumerate((ALICE, BOB)):
        activate(graph, person, f"activate-{number}")
    cut_short(graph, after, begin)
    settled(graph, "delete-1", begin)
    assert not graph.server.directory.users


def test_no_operation_takes_more_calls_than_are_interrupted(graph: GraphUnderTest) -> None:
    def activation(provider: GraphProvider) -> Operation:
        return provider.create_user("activate-1", DOMAIN, ALICE, FIRST)

    def end(provider: GraphProvider) -> Operation:
        return provider.delete_tenant("delete-1", DOMAIN)

    install(graph)
    assert cut_short(graph, 6, activation)
    assert not cut_short(graph, MAX_CALLS, activation)
    assert cut_short(graph, 3, end)
    assert not cut_short(graph, MAX_CALLS, end)


def test_nobody_signs_in_to_an_account_that_is_not_complete(graph: GraphUnderTest) -> None:
    install(graph)
    calls = range(MAX_CALLS)
    for after in calls:
        person = Person(f"p{after}@{DOMAIN}", "P", "P", "fr")
        key = f"activate-{after}"
        cut_short(graph, after, lambda p: p.create_user(key, DOMAIN, person, FIRST))  # noqa: B023
        users = graph.server.directory.users.values()
        for user in users:
            assert user["assignedLicenses"] or not user["accountEnabled"]
        for reference in [user["id"] for user in users]:
            graph.server.directory.delete_user(reference)


def activate_during(
    graph: GraphUnderTest, monkeypatch: pytest.MonkeyPatch, act: Begin
) -> Operation:
    """Activate a user while another process runs ``act`` before the account is enabled."""
    license_account = People._license

    def slowly(people: People, user: User, group: Group) -> None:
        license_account(people, user, group)
        done(act(graph.adapter()))

    monkeypatch.setattr(People, "_license", slowly)
    return graph.provider.create_user("activate-1", DOMAIN, ALICE, FIRST)


def test_a_group_suspended_during_an_activation_activates_nobody(
    graph: GraphUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(graph)
    done(
        activate_during(
            graph, monkeypatch, lambda p: p.suspend_tenant("suspend-1", DOMAIN, "unpaid")
        )
    )
    assert not graph.can_sign_in(ALICE.address, FIRST)
    done(graph.provider.resume_tenant("resume-1", DOMAIN))
    assert graph.can_sign_in(ALICE.address, FIRST)


def test_a_group_resumed_during_an_activation_lets_everybody_in(
    graph: GraphUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(graph)
    done(graph.provider.suspend_tenant("suspend-1", DOMAIN, "unpaid"))
    done(activate_during(graph, monkeypatch, lambda p: p.resume_tenant("resume-1", DOMAIN)))
    assert graph.can_sign_in(ALICE.address, FIRST)


def test_a_group_ended_during_an_activation_keeps_no_account(
    graph: GraphUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(graph)
    with pytest.raises(PartyUnavailable):
        activate_during(graph, monkeypatch, lambda p: p.delete_tenant("delete-1", DOMAIN))
    again = graph.adapter().create_user("activate-1", DOMAIN, ALICE, FIRST)
    assert failure(again) == "unknown_tenant"
    assert not graph.server.directory.users


def test_the_last_place_taken_meanwhile_by_the_same_operation_is_no_failure(
    graph: GraphUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(graph, 1)
    count = Groups.size

    def slowly(groups: Groups, group: Group) -> int:
        monkeypatch.setattr(Groups, "size", count)
        done(graph.adapter().create_user("activate-1", DOMAIN, ALICE, FIRST))
        return groups.size(group)

    monkeypatch.setattr(Groups, "size", slowly)
    user = activate(graph)
    assert list(graph.server.directory.users) == [user]
    assert failure(graph.provider.create_user("activate-2", DOMAIN, BOB, FIRST)) == "no_free_seat"


def test_looking_up_an_incomplete_account_completes_it(graph: GraphUnderTest) -> None:
    install(graph)
    assert cut_short(graph, 3, lambda p: p.create_user("activate-1", DOMAIN, ALICE, FIRST))
    assert len(graph.server.directory.users) == 1
    assert not graph.can_sign_in(ALICE.address, FIRST)
    found = graph.adapter().find_operation("activate-1")
    assert found is not None
    assert done(found).result["user"]
    assert graph.can_sign_in(ALICE.address, FIRST)


def test_an_incomplete_account_is_deleted_when_it_cannot_be_completed(
    graph: GraphUnderTest,
) -> None:
    install(graph)
    cut_short(graph, 3, lambda p: p.create_user("activate-1", DOMAIN, ALICE, FIRST))
    graph.server.directory.stock["O365_BUSINESS"] = 0
    found = graph.adapter().find_operation("activate-1")
    assert found is not None
    assert failure(found) == "no_free_seat"
    assert not graph.server.directory.users


# --- Lag, limits, memory ---------------------------------------------------------------------


def test_an_operation_that_searches_do_not_find_yet_is_not_done_twice(
    graph: GraphUnderTest,
) -> None:
    install(graph)
    user = activate(graph)
    done(graph.provider.set_password("password-1", DOMAIN, user, SECOND))
    graph.server.directory.index_lags = True
    adapter = graph.adapter()
    assert adapter.find_operation("activate-1") is None
    assert adapter.find_operation("install-1") is None
    assert install(graph) == graph.server.directory.group(f"uniqueName='{DOMAIN}'")["id"]
    assert activate(graph) == user
    assert list(graph.server.directory.users) == [user]
    assert graph.can_sign_in(ALICE.address, SECOND)


def test_a_new_account_that_cannot_be_seen_yet_is_asked_for_again(graph: GraphUnderTest) -> None:
    install(graph)
    directory = graph.server.directory
    directory.unreplicated = {ALICE.address}
    for _ in range(2):
        # The second time, the directory only reports that the account exists already.
        with pytest.raises(PartyUnavailable):
            graph.provider.create_user("activate-1", DOMAIN, ALICE, FIRST)
    directory.unreplicated = set()
    activate(graph)
    assert len(directory.users) == 1


def test_remembered_keys_stay_within_microsofts_limits(graph: GraphUnderTest) -> None:
    install(graph, 5)
    user = activate(graph)
    for number in range(60):
        done(graph.provider.resize_tenant(f"resize-{number}", DOMAIN, 5 + number % 2))
        password = f"Mot-de-passe-{number}"
        done(graph.provider.set_password(f"password-{number}", DOMAIN, user, password))
    done(graph.provider.set_password("password-30", DOMAIN, user, FIRST))
    assert graph.can_sign_in(ALICE.address, "Mot-de-passe-59")


# --- Sign-ins --------------------------------------------------------------------------------


def test_without_the_permission_or_a_premium_licence_sign_ins_are_unknown(
    graph: GraphUnderTest,
) -> None:
    install(graph)
    user = activate(graph)
    graph.server.directory.is_premium = False
    with pytest.raises(SignInsUnknown, match="premium license"):
        graph.provider.last_sign_ins(DOMAIN, [user])
    graph.server.directory.is_premium = True
    graph.server.permissions.discard("AuditLog.Read.All")
    with pytest.raises(SignInsUnknown, match="Insufficient privileges"):
        graph.provider.last_sign_ins(DOMAIN, [user])


def test_the_latest_of_microsofts_moments_counts(graph: GraphUnderTest) -> None:
    install(graph)
    user = activate(graph)
    graph.server.directory.user(user)["signInActivity"] = {
        "lastSignInDateTime": "2026-03-01T10:00:00Z",
        "lastNonInteractiveSignInDateTime": "2026-03-02T10:00:00Z",
        "lastSuccessfulSignInDateTime": None,
    }
    latest = datetime(2026, 3, 2, 10, tzinfo=UTC)
    assert graph.provider.last_sign_ins(DOMAIN, [user]) == {user: latest}
    graph.server.directory.user(user)["signInActivity"] = {"lastSignInDateTime": "yesterday"}
    with pytest.raises(PartyUnavailable):
        graph.provider.last_sign_ins(DOMAIN, [user])


# --- Tokens and errors -----------------------------------------------------------------------


def test_a_token_is_reused_while_it_is_valid(graph: GraphUnderTest) -> None:
    before = graph.server.tokens_given
    install(graph)
    activate(graph)
    assert graph.server.tokens_given == before


def test_a_token_that_is_revoked_early_is_replaced(graph: GraphUnderTest) -> None:
    graph.server.tokens.clear()
    install(graph)
    assert graph.server.tokens_given == 2


def test_a_wrong_secret_is_rejected(graph: GraphUnderTest) -> None:
    adapter = graph.adapter(client_secret="wrong")
    with pytest.raises(PartyRejected) as refusal:
        adapter.create_tenant("1", DOMAIN, "business", 1)
    assert refusal.value.code == "invalid_client"


def test_a_missing_permission_is_rejected(graph: GraphUnderTest) -> None:
    error = {"code": "Authorization_RequestDenied", "message": "Insufficient privileges"}
    graph.faults.answers.append(Reply(403, {"error": error}))
    with pytest.raises(PartyRejected):
        graph.provider.create_tenant("1", DOMAIN, "business", 1)


def test_an_authority_out_of_reach_is_unavailable(graph: GraphUnderTest) -> None:
    with pytest.raises(PartyUnavailable):
        graph.adapter(authority="https://localhost:1").find_operation("1")


def test_an_authority_with_an_untrusted_certificate_gets_no_secret(graph: GraphUnderTest) -> None:
    asked = len(graph.faults.calls)
    with pytest.raises(PartyUnavailable):
        graph.adapter(ca="").find_operation("1")
    assert len(graph.faults.calls) == asked


def test_the_retry_after_of_graph_is_respected(graph: GraphUnderTest) -> None:
    error = {"error": {"code": "TooManyRequests", "message": "Slow down"}}
    graph.faults.answers.append(Reply(429, error, {"Retry-After": "17"}))
    with pytest.raises(PartyUnavailable) as unavailable:
        graph.provider.create_tenant("1", DOMAIN, "business", 1)
    assert unavailable.value.retry_after == 17


def test_the_retry_after_of_a_part_of_a_batch_is_respected(graph: GraphUnderTest) -> None:
    inner = {"id": "0", "status": 429, "headers": {"Retry-After": "9"}, "body": {"error": {}}}
    others = [{"id": str(n), "status": 200, "body": {"value": []}} for n in (1, 2)]
    graph.faults.answers.append(Reply(200, {"responses": [*others, inner]}))
    with pytest.raises(PartyUnavailable) as unavailable:
        graph.provider.find_operation("1")
    assert unavailable.value.retry_after == 9


@pytest.mark.parametrize(
    "answer",
    [
        Reply(500, {"error": {"code": "x", "message": "Oh"}}),
        Reply(502, "<html>"),
        Reply(404, "<html>"),
        Reply(302, None),
        Reply(200, "no object"),
        Reply(200, {"responses": []}),
        Reply(200, {}),
    ],
)
def test_an_invalid_answer_counts_as_unavailable(graph: GraphUnderTest, answer: Reply) -> None:
    graph.faults.answers.append(answer)
    with pytest.raises(PartyUnavailable):
        graph.provider.find_operation("1")
    graph.faults.answers.append(answer)
    with pytest.raises(PartyUnavailable):
        graph.provider.create_tenant("1", DOMAIN, "business", 1)


def test_a_next_page_on_another_host_is_not_followed(graph: GraphUnderTest) -> None:
    install(graph)
    activate(graph)
    page = {"value": [], "@odata.nextLink": "https://elsewhere.example/v1.0/groups"}
    group = graph.server.directory.group(f"uniqueName='{DOMAIN}'")
    graph.faults.answers += [Reply(200, group), Reply(204), Reply(200, page)]
    with pytest.raises(PartyUnavailable, match="another host"):
        graph.provider.suspend_tenant("suspend-1", DOMAIN, "unpaid")


def test_an_operation_carries_its_key(graph: GraphUnderTest) -> None:
    operation = graph.provider.create_tenant("install-1", DOMAIN, "business", 1)
    assert (operation.key, operation.status) == ("install-1", OperationStatus.SUCCEEDED)
