"""Asks the Office provider which people never signed in: every day, of one group after the other.

One job asks about a bounded number of people and queues the next, so that a provider with limits
is not asked too fast, however many licences there are. Who has signed in once is not asked about
again.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from records.base import database
from records.groups import GroupStatus, LicenceGroup
from records.seats import Seat
from shop import clock, jobs
from shop.errors import PartyRejected
from shop.licences.seats import idle
from shop.office.configured import provider
from shop.office.protocol import MOST_SIGN_INS, SignInsUnknown

log = structlog.get_logger()

PACE = timedelta(seconds=5)
"""The time between two calls."""


def _skip_group(day: str, group: int, number: int, reason: str) -> None:
    """Go on with the next group where the provider did not answer about one."""
    if asked := idle.next_to_ask(group, number, 1):
        log.warning("sign_ins_unavailable", group=asked[0].group_id, reason=reason)
        _go_on(day, asked[0].group_id, idle.BEHIND)


@jobs.handles(
    "read_sign_ins",
    attempts=6,
    first_delay=timedelta(minutes=1),
    give_up=_skip_group,
    priority=jobs.Priority.BULK,
)
def read_sign_ins(day: str, group: int, number: int) -> None:
    """Ask about the people who follow seat ``number`` of ``group``, and queue the next call.

    ``day`` tells one day's jobs from another's.
    """
    asked = idle.next_to_ask(group, number, MOST_SIGN_INS)
    if not asked:
        return
    found = LicenceGroup.get_by_id(asked[0].group_id)
    if found.status != GroupStatus.INSTALLED:
        _go_on(day, found.id, idle.BEHIND)
        return
    try:
        told = provider().last_sign_ins(found.domain, [seat.reference for seat in asked])
    except (SignInsUnknown, PartyRejected) as refusal:
        log.info("sign_ins_unknown", group=found.id, reason=str(refusal))
        with database.atomic():
            idle.forget(found)
            _go_on(day, found.id, idle.BEHIND)
        return
    _record(day, found, asked, told)


@jobs.handles("begin_reading_sign_ins", attempts=20, first_delay=timedelta(minutes=1))
def begin_reading() -> None:
    """Begin to ask about all people, once a day."""
    read_sign_ins.later(day=clock.today().isoformat(), group=0, number=0)


def _record(
    day: str, group: LicenceGroup, asked: list[Seat], told: dict[str, datetime | None]
) -> None:
    with database.atomic():
        idle.record_sign_ins(group, asked, told)
        _go_on(day, group.id, asked[-1].number)


def _go_on(day: str, group: int, number: int) -> None:
    read_sign_ins.using(run_at=clock.now() + PACE).later(day=day, group=group, number=number)
