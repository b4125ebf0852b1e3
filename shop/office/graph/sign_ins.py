"""When people last signed in, as far as Microsoft tells.

Microsoft tells applications with the permission AuditLog.Read.All, of directories with a premium
licence. It returns no activity for an account that never signed in.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from shop.office.graph.calls import GraphCalls, Refused, path_segment
from shop.office.protocol import SignInsUnknown

ACTIVITY = "signInActivity"

MOMENTS = ("lastSignInDateTime", "lastNonInteractiveSignInDateTime", "lastSuccessfulSignInDateTime")
"""A failed attempt counts, too: a person who tries is not taken for one who does not."""

FIELDS = f"id,userPrincipalName,{ACTIVITY}"


FORBIDDEN = 403


def last_sign_ins(
    calls: GraphCalls, domain: str, users: Sequence[str]
) -> dict[str, datetime | None]:
    """Return when accounts of a domain last signed in, by id; None for "never".

    Accounts of other domains are left out. Raise `SignInsUnknown` if Microsoft does not tell.
    """
    asked = [
        {"method": "GET", "url": f"/users/{path_segment(user)}?$select={FIELDS}"} for user in users
    ]
    try:
        found = [answer for answer in calls.batch(asked) if answer is not None]
    except Refused as refused:
        if refused.status != FORBIDDEN:
            raise
        raise SignInsUnknown(str(refused)) from refused
    return {str(answer["id"]): _latest(answer) for answer in found if _is_of(domain, answer)}


def refusal(calls: GraphCalls) -> str:
    """Return why Microsoft does not tell when people signed in, in its words; "" if it does."""
    try:
        calls.call("GET", f"/users?$top=1&$select={FIELDS}")
    except Refused as refused:
        if refused.status != FORBIDDEN:
            raise
        return refused.message.rstrip(".")
    return ""


def _is_of(domain: str, answer: dict[str, Any]) -> bool:
    return str(answer["userPrincipalName"]).lower().endswith(f"@{domain.lower()}")


def _latest(answer: dict[str, Any]) -> datetime | None:
    activity = answer.get(ACTIVITY) or {}
    told = [datetime.fromisoformat(activity[name]) for name in MOMENTS if activity.get(name)]
    return max(told, default=None)
