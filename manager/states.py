"""The states of the customer's groups for pages, read once for each request."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import g

from manager import manager
from models import LicenceGroup, Termination
from shop.overviews import states
from shop.overviews.states import GroupState
from web import auth, lookups


@manager.context_processor
def _states() -> dict[str, Any]:
    """Let templates load these themselves: a partial has no banner and no query for it."""
    return {
        "services_owed": lookups.services_owed,
        "state_of_group": lambda found: of_groups([found])[found.id],
    }


def endings() -> list[Termination]:
    """Return the terminations of the customer that are requested or scheduled."""
    if "endings" not in g:
        g.endings = states.endings_of(auth.customer()) if auth.may_be("is_ending") else []
    return list(g.endings)


def of_groups(groups: Iterable[LicenceGroup]) -> dict[int, GroupState]:
    """Return the states of groups of the customer, by id."""
    return states.states_by(groups, lookups.services_owed(), endings())
