"""Finding operations by their marks in the directory objects."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import quote

from shop.office.graph.calls import EVENTUAL_CONSISTENCY, GraphCalls
from shop.office.graph.memory import ATTRIBUTES, MADE_BY, NEWEST, Action, Group, User
from shop.office.graph.people import People


def find_operation(calls: GraphCalls, people: People, mark: str) -> Action | None:
    """Return an action that gives the result of the operation; None if no object has its mark.

    The directory's index may be some seconds old. The caller then repeats the operation with the
    same key, and the mark is found in the object itself, which is read directly.
    """
    users, deleted, groups = (_first(answer) for answer in calls.batch(_searches(mark)))
    if users is not None:
        return partial(_finished, people, User.read(users), mark)
    if deleted is not None:
        return partial(_result, User.read(deleted))
    return None if groups is None else partial(_result, Group.read(groups))


def _first(answer: Any) -> dict[str, Any] | None:
    found = (answer or {}).get("value") or [None]
    return None if found[0] is None else dict(found[0])


def _finished(people: People, user: User, mark: str) -> dict[str, str]:
    """Complete an account's creation or deletion if it was interrupted."""
    if user.newest == mark and user.deleting:
        return people.finish_deletion(user)
    return people.finish(user)


def _result(marked: User | Group) -> dict[str, str]:
    return marked.result


def _searches(mark: str) -> list[dict[str, Any]]:
    newest = f"{NEWEST} eq '{mark}'"
    made = f"{ATTRIBUTES}/{MADE_BY} eq '{mark}'"
    described = f"startswith(description,'{mark} ')"
    users = f"/users?$filter={quote(f'{newest} or {made}')}&$select={User.FIELDS}&$count=true"
    deleted = f"/directory/deletedItems/microsoft.graph.user?$filter={quote(newest)}"
    groups = f"/groups?$filter={quote(described)}&$select=id,description"
    return [
        {"method": "GET", "url": users, "headers": EVENTUAL_CONSISTENCY},
        {"method": "GET", "url": f"{deleted}&$select={User.FIELDS}"},
        {"method": "GET", "url": groups},
    ]
