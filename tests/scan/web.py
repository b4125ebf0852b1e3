"""The web server to scan: signing out does nothing, so that no scanner goes on signed out.

wapiti can be told to leave an address alone, but stops with an error where Python is 3.11 or newer.
"""

from __future__ import annotations

from collections.abc import Callable

import asgi
from serving.buffering import BufferedApplication
from web import auth


def create(stopping: Callable[[], bool] = lambda: False) -> BufferedApplication:
    """Return the shop as an ASGI application, in which nobody can sign out."""
    auth.sign_out = lambda: None
    return asgi.create(stopping)


if __name__ == "__main__":
    # Its processes import this module by name, and must find the same functions there.
    from tests.scan import web

    asgi.main(web.create)
