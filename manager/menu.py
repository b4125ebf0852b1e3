"""The left menu of every page of the customer area."""

from __future__ import annotations

from typing import Any

from manager import manager
from shop.overviews import menu
from web import auth


@manager.context_processor
def _menu() -> dict[str, Any]:
    """Let the template load the menu itself, as a partial shows none."""
    return {"left_menu": lambda: menu.of_account(auth.customer()), "menu_most": menu.MOST}
