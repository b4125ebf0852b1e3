"""Any actions on seats, in any order, whatever the provider answers: the records always agree."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from models import Account, Letter, LicenceGroup, Seat, SeatStatus
from shop.errors import Refusal
from shop.jobs import queue
from shop.licences import seats
from shop.licences.seats import Person
from tests.support import groups
from tests.support.databases import Snapshot
from tests.support.parties import Bank, Provider

NUMBERS = st.integers(1, 2)
PEOPLE = st.sampled_from(
    [Person("A", "B", "abc"), Person("C", "D", "cde"), Person("E", "F", "ABC")]
)
ACTS = {
    "configure": lambda seat, person: seats.configure(seat, seat.version, person, "alice"),
    "edit": lambda seat, person: seats.edit(seat, seat.version, person, "alice"),
    "password": lambda seat, person: seats.change_password(seat, seat.version, "", "alice"),
    "release": lambda seat, person: seats.release(seat, seat.version, "alice"),
    "retry": lambda seat, person: seats.retry(seat, seat.version, "alice"),
}
MOODS = {"willing": {}, "refusing": {"failing": "no"}, "slow": {"pending": True}}


class Seats(RuleBasedStateMachine):
    """Two seats of one group, with actions of customers and any answers of the provider."""

    snapshot: Snapshot
    provider: Provider
    group: LicenceGroup

    @initialize()
    def begin(self) -> None:
        self.snapshot.restore()
        self.provider.__init__()  # as new, and still the shop's provider
        self.moves: dict[int, str] = {}

    @rule(number=NUMBERS, act=st.sampled_from(sorted(ACTS)), person=PEOPLE)
    def customer(self, number: int, act: str, person: Person) -> None:
        """A customer tries an action: it succeeds or is refused; a refusal changes nothing."""
        before = groups.seat_of(self.group, number)
        try:
            ACTS[act](before, person)
        except Refusal:
            assert groups.seat_of(self.group, number).__data__ == before.__data__
            if before.may(act):
                assert act in ("configure", "edit"), "only a taken login stands in the way"
        else:
            after = groups.seat_of(self.group, number)
            assert before.may(act)
            assert after.status in Seat.moves[before.status]
            assert after.version == before.version + 1

    @rule(mood=st.sampled_from(sorted(MOODS)))
    def provider_changes(self, mood: str) -> None:
        self.provider.failing, self.provider.pending = "", False
        for name, value in MOODS[mood].items():
            setattr(self.provider, name, value)

    @rule()
    def work(self) -> None:
        queue.drain()

    @rule()
    def provider_finishes(self) -> None:
        self.provider.finish()

    @invariant()
    def what_is_kept_agrees(self) -> None:
        groups.check_counts(self.group)

    @invariant()
    def what_the_provider_has_is_what_is_shown(self) -> None:
        """The provider has no account unknown to the shop; seats at rest agree with it."""
        rows = list(Seat.select().where(Seat.group == self.group))
        held = {f"{seat.login}@{self.group.domain}" for seat in rows if seat.is_configured}
        for seat in rows:
            address = f"{seat.login}@{self.group.domain}"
            if seat.status == SeatStatus.ACTIVE:
                assert address in self.provider.users
        if all(seat.status in ("active", "unconfigured") for seat in rows):
            assert set(self.provider.users) == held

    @invariant()
    def every_activation_has_one_letter(self) -> None:
        activated = groups.consumption(self.group).count(1)
        assert Letter.select().where(Letter.kind == "licence_active").count() == activated


@pytest.fixture
def machine(alice: Account, bank: Bank, provider: Provider) -> type[Seats]:
    Seats.group = groups.installed(alice, bank, 2)
    Seats.provider, Seats.snapshot = provider, Snapshot()
    return Seats


@pytest.mark.begun_first
def test_any_history_of_acts_agrees(machine: type[Seats]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=14,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("first", sorted(ACTS))
@pytest.mark.parametrize("second", sorted(ACTS))
@pytest.mark.parametrize("mood", sorted(MOODS))
def test_every_pair_of_acts_ends_defined(
    machine: type[Seats], first: str, second: str, mood: str
) -> None:
    """From a configured and from an unconfigured seat, the second before the first is done."""
    group, provider = machine.group, machine.provider
    groups.configured(group, 1, Person("A", "B", "abc"))
    for name, value in MOODS[mood].items():
        setattr(provider, name, value)
    for number in (1, 2):
        for act in (first, second):
            seat = groups.seat_of(group, number)
            try:
                ACTS[act](seat, Person("C", "D", f"cde{number}"))
            except Refusal:
                assert groups.seat_of(group, number).__data__ == seat.__data__
    queue.drain()
    provider.failing = ""
    provider.finish()
    from models import Job
    from shop import clock

    Job.update(run_at=clock.now()).where(Job.status == "queued").execute()
    queue.drain()
    at_rest = {SeatStatus.UNCONFIGURED, SeatStatus.ACTIVE, SeatStatus.ERROR}
    assert {seat.status for seat in Seat.select()} <= at_rest
    groups.check_counts(group)
