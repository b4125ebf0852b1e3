"""The record of what was published: who, what and why."""

from __future__ import annotations

from records.base import Table
from records.events import Event
from shop import clock
from shop.errors import N_, Refusal

SUBJECTS = ("price", "notice", "contract", "offer")


def checked(reason: str) -> str:
    """Return a reason without spaces around it. Raise `Refusal` if there is none."""
    if not reason.strip():
        raise Refusal(N_("Give the reason."), "reason")
    return reason.strip()[:255]


def record_act(subject: str, row: Table | int, name: str, *, by: str, reason: str) -> None:
    """Write an event about something published, in the caller's transaction."""
    assert subject in SUBJECTS, subject
    Event.insert(
        subject=subject, subject_id=row if isinstance(row, int) else row.get_id(), name=name,
        by=by, note=reason, at=clock.now(),
    ).execute()  # fmt: skip


def history(limit: int = 50) -> list[Event]:
    """Return what was published last, newest first."""
    events = Event.select().where(Event.subject.in_(SUBJECTS))
    return list(events.order_by(Event.id.desc()).limit(limit))
