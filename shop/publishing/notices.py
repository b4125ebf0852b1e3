"""Announcements: a banner in both languages between two moments, and an e-mail where asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from peewee import fn

from records.accounts import Account
from records.base import database
from records.batches import in_batches
from records.notices import Notice, NoticeKind
from records.subscriptions import Subscription, SubscriptionStatus
from shop import clock, jobs, mail
from shop.errors import N_, Conflict, Refusal
from shop.pricing.catalogue_version import Kept
from shop.publishing import acts
from shop.settings.per_process import PerProcess

LONGEST = 500
MOST_SHOWN = 3


@dataclass(frozen=True)
class Wording:
    """An announcement as it is written: its look, its texts, and when it is shown."""

    text_fr: str
    text_en: str
    starts_at: datetime
    ends_at: datetime
    kind: str = NoticeKind.INFO
    by_email: bool = False


def shown(token: str) -> list[Notice]:
    """Return the announcements that pages show now, the newest first, as this process keeps them.

    ``token`` is that of the catalogue (`records.catalogue.CatalogueVersion`), read before: the
    database is not asked unless an announcement has changed.
    """
    now = clock.now()
    return [notice for notice in kept().under(token) if notice.is_shown_at(now)][:MOST_SHOWN]


def _alive() -> list[Notice]:
    """Return the announcements that are shown now or will be, the newest first."""
    is_alive = Notice.taken_back_at.is_null() & (Notice.ends_at > clock.now())
    return list(Notice.select().where(is_alive).order_by(Notice.id.desc()))


def keep_alive() -> Kept[list[Notice]]:
    """Return what keeps the announcements that are shown or will be."""
    return Kept(_alive, [])


kept = PerProcess(keep_alive)


def newest_notices(limit: int, before: int | None = None) -> list[Notice]:
    """Return announcements of all times, the newest first: those before an id, if one is given."""
    query = Notice.select().order_by(Notice.id.desc()).limit(limit)
    return list(query if before is None else query.where(Notice.id < before))


def find_notice(notice_id: int) -> Notice | None:
    """Return an announcement, or None."""
    return Notice.get_or_none(Notice.id == notice_id)


def publish(wording: Wording, *, by: str, reason: str) -> Notice:
    """Publish an announcement, and queue its e-mails for the moment at which it begins.

    Raise `Refusal` without a reason, without a text in both languages, for texts that are too
    long, and for an end that has passed or comes before the beginning.
    """
    reason = acts.checked(reason)
    _check(wording)
    wording = replace(
        wording, text_fr=" ".join(wording.text_fr.split()),
        text_en=" ".join(wording.text_en.split()),
    )  # fmt: skip
    with database.atomic():
        notice = Notice.create(**vars(wording), created_at=clock.now(), created_by=by)
        acts.record_act("notice", notice, "notice_published", by=by, reason=reason)
        if notice.by_email:
            send_notice.using(run_at=max(notice.starts_at, clock.now())).later(notice=notice.id)
    return notice


def _check(wording: Wording) -> None:
    for field in ("text_fr", "text_en"):
        text = getattr(wording, field)
        if not text.strip():
            raise Refusal(N_("Write the announcement in both languages."), field)
        if len(text) > LONGEST:
            raise Refusal(
                N_("An announcement has at most %(most)d characters."), field, most=LONGEST
            )
    if wording.ends_at <= max(wording.starts_at, clock.now()):
        raise Refusal(N_("The end lies after the beginning, and in the future."), "ends_at")


def take_back(notice: Notice, *, by: str, reason: str) -> None:
    """Show an announcement no more, and write no more e-mails about it.

    Raise `Refusal` without a reason, and `Conflict` where it was taken back before.
    """
    reason = acts.checked(reason)
    with database.atomic():
        shown_still = (Notice.id == notice.id) & Notice.taken_back_at.is_null()
        if not Notice.update(taken_back_at=clock.now()).where(shown_still).execute():
            raise Conflict(N_("This announcement was taken back already."))
        acts.record_act("notice", notice, "notice_taken_back", by=by, reason=reason)


# --- E-mails ---------------------------------------------------------------------------------


@jobs.handles("send_notice", attempts=20, first_delay=timedelta(minutes=1))
def send_notice(notice: int) -> None:
    """Write to each customer with a running service; idempotent."""
    row = Notice.get_by_id(notice)
    for account in _readers():
        if not Notice.get_by_id(notice).is_shown_at(clock.now()):
            return
        mail.announcement(account, row.id, row.text_in(account.language))


def _readers() -> Any:
    running = Subscription.select(Subscription.id).where(
        Subscription.account == Account.id, Subscription.status != SubscriptionStatus.TERMINATED
    )
    return in_batches(Account.select().where(fn.EXISTS(running)), Account.id)
