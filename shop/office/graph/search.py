"""Operations found again by their marks, in the objects that remember them."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import quote

from shop.office.graph.calls import EVENTUAL, GraphCalls
from shop.office.graph.memory import ATTRIBUTES, MADE_BY, NEWEST, Act, Group, User
from shop.office.graph.people import People


def find_operation(calls: GraphCalls, people: People, mark: str) -> Act | None:
    """What answers for the operation of ``mark``; None if no object remembers it.

    The directory's index may lag some seconds behind. Then the operation is asked for again with
    the same key, and the object itself, looked at directly, knows that it was done.
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
    """An account's creation or deletion may have been cut short: it is finished now."""
    if user.newest == mark and user.leaving:
        return people.leave(user)
    return people.finish(user)


def _result(remembering: User | Group) -> dict[str, str]:
    return remembering.result


def _searches(mark: str) -> list[dict[str, Any]]:
    newest = f"{NEWEST} eq '{mark}'"
    made = f"{ATTRIBUTES}/{MADE_BY} eq '{mark}'"
    described = f"startswith(description,'{mark} ')"
    users = f"/users?$filter={quote(f'{newest} or {made}')}&$select={User.FIELDS}&$count=true"
    deleted = f"/directory/deletedItems/microsoft.graph.user?$filter={quote(newest)}"
    groups = f"/groups?$filter={quote(described)}&$select=id,description"
    return [
        {"method": "GET", "url": users, "headers": EVENTUAL},
        {"method": "GET", "url": f"{deleted}&$select={User.FIELDS}"},
        {"method": "GET", "url": groups},
    ]
