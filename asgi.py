"""The application as the web server runs it: the shop behind buffers, within limits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import cache

import structlog
from flask import Flask
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request, Response

from app import create_app
from serving import web_server
from serving.buffering import Answer, BufferedApplication, ComputingSlots, Limits, Scope
from shop.metrics import durations
from shop.operations import garbage
from shop.parties.calls import Calls, calls
from shop.settings import Settings
from web import error_pages
from web.languages import preferred_by
from web.shared_pages import SharedPages

log = structlog.get_logger()

LANGUAGE_HEADERS = ("cookie", "accept-language")


def create(
    stopping: Callable[[], bool] = lambda: False,
    settings: Settings | None = None,
    limits: Limits | None = None,
) -> BufferedApplication:
    """Return the shop as an ASGI application; ``stopping`` says whether this process is to stop.

    Raises `shop.settings.SettingsError`.
    """
    settings = settings or Settings.from_environment()
    shop, slots = create_app(settings), ComputingSlots()
    calls.set_factory(lambda: Calls(settings.party_calls, slots.released))
    durations.flush_regularly()
    garbage.look_rarely()
    return BufferedApplication(
        shop,
        _refusals(shop),
        slots,
        limits,
        constant=_constant(shop),
        at_once=_at_once(shop),
        stopping=stopping,
    )


def main(load: web_server.Load = create) -> None:
    """Serve what ``load`` makes of the environment in each process, until SIGTERM or SIGINT."""
    settings = Settings.from_environment()
    where = web_server.Listening(
        settings.host, settings.port, settings.web_processes, settings.stop_notice
    )
    web_server.run(load, where)


def _constant(shop: Flask) -> dict[str, Answer]:
    """What is answered without a thread: that the process responds, however busy it is."""
    return {"/healthz": _answer(shop.test_client().get("/healthz"))}


def _at_once(shop: Flask) -> Callable[[Scope, Mapping[str, str]], Awaitable[Answer | None]]:
    """Files and public pages from memory, for which a thread would only cost time."""
    pages: SharedPages = shop.extensions["shared_pages"]

    async def answer(scope: Scope, headers: Mapping[str, str]) -> Answer | None:
        query = scope["query_string"].decode("latin-1")
        found = await pages.answer_at_once(scope["method"], scope["path"], query, headers)
        return Answer(*found) if found else None

    return answer


def _refusals(shop: Flask) -> Callable[[int, Mapping[str, str]], Answer]:
    """The pages of requests that are refused for their size, their slowness or their number."""

    @cache
    def page(status: int, language: str) -> Answer:
        return _answer(error_pages.unread(shop, status, language))

    def refusal(status: int, headers: Mapping[str, str]) -> Answer:
        log.warning("request_unread", status=status)
        known = {name: headers[name] for name in LANGUAGE_HEADERS if name in headers}
        return page(
            status, preferred_by(Request(EnvironBuilder(headers=list(known.items())).get_environ()))
        )

    return refusal


def _answer(response: Response) -> Answer:
    headers = [(name.lower().encode(), value.encode()) for name, value in response.headers]
    return Answer(response.status_code, headers, response.get_data())


if __name__ == "__main__":
    # Its processes import this module by name, and must find the same functions there.
    import asgi

    asgi.main()
