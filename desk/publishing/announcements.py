"""Announcements on customers' pages: published, listed, taken back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from flask import Response, abort, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    DateTimeLocalField,
    SelectField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length

from desk import access, acts, desk
from desk.acts import Act, ActForm
from desk.publishing.forms import NO_ENGLISH, NO_FRENCH
from models import NoticeKind
from shop import clock
from shop.parsing.numbers_and_json import read_integer
from shop.publishing import notices
from shop.publishing.notices import Wording
from web.customer_forms import TOO_LONG
from web.forms import choices, stripped
from web.htmx import page
from web.languages import current_language

MOST_LISTED = 50


LOOKS = {NoticeKind.INFO: _l("Information"), NoticeKind.WARNING: _l("Warning")}


class NoticeForm(ActForm):
    """An announcement in both languages, between two moments (Paris)."""

    text_fr = TextAreaField(
        _l("Text in French"), [NO_FRENCH, Length(max=notices.LONGEST, message=TOO_LONG)],
        filters=[stripped], render_kw={"rows": 3, "lang": "fr"},
    )  # fmt: skip
    text_en = TextAreaField(
        _l("Text in English"), [NO_ENGLISH, Length(max=notices.LONGEST, message=TOO_LONG)],
        filters=[stripped], render_kw={"rows": 3, "lang": "en"},
    )  # fmt: skip
    kind = SelectField(_l("Look"), choices=lambda: choices(LOOKS.items()))
    starts_at = DateTimeLocalField(
        _l("From (Paris time)"),
        [InputRequired(_l("Enter when it begins."))],
        format="%Y-%m-%dT%H:%M",
    )
    ends_at = DateTimeLocalField(
        _l("Until (Paris time)"),
        [InputRequired(_l("Enter when it ends."))],
        format="%Y-%m-%dT%H:%M",
    )
    by_email = BooleanField(_l("Also write to every customer with a running service"))

    def wording(self) -> Wording:
        """Return the announcement that was filled in."""
        assert self.starts_at.data is not None
        assert self.ends_at.data is not None
        return Wording(
            self.text_fr.data or "", self.text_en.data or "", in_paris(self.starts_at.data),
            in_paris(self.ends_at.data), self.kind.data, bool(self.by_email.data),
        )  # fmt: skip


def in_paris(typed: datetime) -> datetime:
    """Return the moment of a date and time typed as those of Paris."""
    return typed.replace(tzinfo=clock.PARIS)


@desk.get("/announcements")
def announcements() -> Response:
    """List the announcements, the newest first."""
    before = read_integer(request.args.get("before", ""), high=2**31 - 1)
    rows = notices.newest_notices(MOST_LISTED + 1, before)
    shown = rows[:MOST_LISTED]
    older = shown[-1].id if len(rows) > MOST_LISTED else None
    return page("desk/announcements.html", notices=shown, older=older, now=clock.now(), looks=LOOKS)


def _announcing() -> Act:
    return Act(
        title=gettext("Publish an announcement"),
        explanation=gettext("It stands above every page of the shop and of the customer area."),
        button=gettext("Publish"),
        back=url_for("desk.announcements"),
        done=gettext("The announcement is published."),
        part="announcements",
    )


@desk.get("/announcements/new")
def new_announcement() -> Response:
    """Show the form for an announcement; it begins now unless that is changed."""
    form = NoticeForm()
    form.starts_at.data = clock.now().astimezone(clock.PARIS).replace(second=0, microsecond=0)
    return acts.show(form, _announcing())


@desk.post("/announcements/new")
def publish_announcement() -> Response:
    """Publish an announcement."""
    form = NoticeForm()

    def do() -> None:
        notices.publish(form.wording(), by=access.actor(), reason=form.given().reason)

    subject = (form.text_fr.data or "")[:64]
    return acts.take(form, _announcing(), acts.recorded_once(form, "notice_published", subject, do))


def _notice_to_take_back(notice_id: int) -> tuple[Any, Act]:
    notice = notices.find_notice(notice_id)
    if notice is None:
        abort(404)
    act = replace(
        _announcing(),
        title=gettext("Take an announcement back"),
        explanation=gettext("Pages show it no more, and no more emails are written about it."),
        button=gettext("Take it back"),
        done=gettext("The announcement is taken back."),
        effects=((gettext("Announcement"), notice.text_in(current_language())),),
        is_dangerous=True,
    )
    return notice, act


@desk.get("/announcements/<int:notice_id>/taking-back")
def announcement_taking_back(notice_id: int) -> Response:
    """Show the form that takes an announcement back."""
    return acts.show(ActForm(), _notice_to_take_back(notice_id)[1])


@desk.post("/announcements/<int:notice_id>/taking-back")
def take_announcement_back(notice_id: int) -> Response:
    """Take an announcement back."""
    notice, act = _notice_to_take_back(notice_id)
    form = ActForm()

    def do() -> None:
        notices.take_back(notice, by=access.actor(), reason=form.given().reason)

    return acts.take(
        form, act, acts.recorded_once(form, "notice_taken_back", notice.text_fr[:64], do)
    )
