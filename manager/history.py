"""« Historique »: what happened with a group and its licences, as a list and as a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Response, request
from flask_babel import gettext

from manager import manager
from shop import clock
from shop.overviews import group_history
from shop.overviews.group_history import Actor, Entry, View
from web import lookups
from web.files import table
from web.htmx import page

HISTORY = "/manager/groups/<name>/history"


def _view() -> View:
    return group_history.read_view(
        request.args.get("kind", ""),
        request.args.get("licence", ""),
        request.args.get("before", ""),
    )


@manager.get(HISTORY)
def history(name: str) -> Response:
    """Show what happened, newest first: all of it, of one kind, or with one licence."""
    group, view = lookups.own_group(name), _view()
    return page(
        "manager/history.html",
        "manager/_history.html",
        group=group,
        view=view,
        history=group_history.of_group(group, view),
    )


@manager.get(HISTORY + ".csv")
def history_file(name: str) -> Response:
    """Return what the page shows, and all that is older, as CSV, oldest first; streamed."""
    group = lookups.own_group(name)
    heading = [
        gettext("Date"),
        gettext("What"),
        gettext("Licence"),
        gettext("Number of licences"),
        gettext("Name"),
        gettext("Login"),
        gettext("Who"),
    ]
    words = {word: gettext(word) for word in group_history.WORDS.values()}
    actors = {
        Actor.STAFF: gettext("Customer service"),
        Actor.NOBODY: gettext("Automatically"),
    }
    entries = group_history.whole(group, _view())
    return table(_rows(entries, heading, words, actors), f"{group.name}-history.csv")


def _rows(
    entries: Iterator[Entry], heading: list[str], words: dict[str, str], actors: dict[Actor, str]
) -> Iterator[list[Any]]:
    yield heading
    for entry in entries:
        what = words.get(entry.what, entry.what)
        yield [
            entry.at.astimezone(clock.PARIS).strftime("%Y-%m-%d %H:%M:%S"),
            f"{what} ({entry.note})" if entry.note else what,
            entry.licence or "",
            entry.count or "",
            entry.person,
            entry.login,
            actors.get(entry.actor, entry.nic_handle),
        ]
