"""The addresses and forms that a signed-in customer comes to, as targets for scanners."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import httpx
from lxml import html

START = ("/fr/", "/fr/order", "/login", "/fr/order/account", "/fr/password", "/manager/web")

LOGOUT = "/logout"
"""A scanner that comes here goes on signed out."""

TOKEN = "csrf_token"

PAGES = 150
"""Pages that are read at most."""

FILLED = "1"
"""What empty fields are filled in with."""


@dataclass(frozen=True)
class Target:
    """An address with parameters: in itself, or (``data``) in a form of ``page``."""

    url: str
    page: str
    data: str = ""

    @property
    def parameters(self) -> list[str]:
        """The names of what a client may give."""
        given = parse_qsl(self.data or urlsplit(self.url).query, keep_blank_values=True)
        return sorted({name for name, _ in given} - {TOKEN})

    @property
    def kind(self) -> tuple[str, str, tuple[str, ...]]:
        """What it has in common with the same address of another order or page of a list."""
        path = re.sub(r"[^/]*\d[^/]*", "#", urlsplit(self.url).path)
        path = re.sub(r"^/(fr|en)/", "/#/", path)
        return "POST" if self.data else "GET", path, tuple(self.parameters)

    def __str__(self) -> str:
        method, path, parameters = self.kind
        return f"{method} {path} {', '.join(parameters)}"


def targets(client: httpx.Client) -> list[Target]:
    """Follow every link of a shop, and return one target of each kind."""
    found: dict[tuple[str, str, tuple[str, ...]], Target] = {}
    seen: set[tuple[str, tuple[str, ...]]] = set()
    waiting = deque(START)
    read = 0
    while waiting and read < PAGES:
        answer = client.get(waiting.popleft())
        read += 1
        if "html" not in answer.headers.get("Content-Type", ""):
            continue
        page = html.document_fromstring(answer.content, base_url=str(answer.url))
        for each in (*_links(page, answer), *_forms(page, answer)):
            if each.parameters:
                found.setdefault(each.kind, each)
            if not each.data and (kind := each.kind[1:]) not in seen:
                seen.add(kind)
                waiting.append(each.url)
    return list(found.values())


def _links(page: html.HtmlElement, answer: httpx.Response) -> Iterator[Target]:
    for link in page.xpath("//a/@href"):
        url = urljoin(str(answer.url), link).partition("#")[0]
        if _is_ours(url, answer):
            yield Target(url, str(answer.url))


def _forms(page: html.HtmlElement, answer: httpx.Response) -> Iterator[Target]:
    for form in page.forms:
        url = urljoin(str(answer.url), form.get("action") or "")
        if not _is_ours(url, answer):
            continue
        # A file is no value, and a choice that nothing is chosen of has none.
        fields = [(name, value or FILLED) for name, value in form.fields.items() if name]
        data = urlencode([(name, str(value)) for name, value in fields])
        if form.method == "POST":
            yield Target(url, str(answer.url), data)
        else:
            yield Target(f"{url.partition('?')[0]}?{data}", str(answer.url))


def _is_ours(url: str, answer: httpx.Response) -> bool:
    parts = urlsplit(url)
    return parts.netloc == answer.url.netloc.decode() and not parts.path.endswith(LOGOUT)
