"""What machines read: descriptions, languages, robots, sitemap, icons, manifest."""

from __future__ import annotations

import struct
from urllib.parse import urlsplit
from urllib.robotparser import RobotFileParser
from xml.etree import ElementTree

import pytest
from flask import Flask

from models import Account
from tests.conftest import PRODUCTION
from tests.support import pages
from tests.support.client import CheckingClient, browser
from tests.support.visitor import Visitor

pytestmark = pytest.mark.one_database

SHOP = PRODUCTION["PUBLIC_URL"]
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
LINK = "{http://www.w3.org/1999/xhtml}link"


def addresses(client: CheckingClient) -> dict[str, dict[str, str]]:
    """Return the pages of the sitemap, each with its languages."""
    root = ElementTree.fromstring(client.get("/sitemap.xml").data)
    return {
        url.findtext(f"{SITEMAP}loc", ""): {
            link.get("hreflang", ""): link.get("href", "") for link in url.iter(LINK)
        }
        for url in root
    }


def heads(text: str) -> dict[str, list[str]]:
    """Return the names of a page's head and what each says."""
    said: dict[str, list[str]] = {}
    for element in pages.read_page(text)[0].iter():
        if element.tag == "meta" and (name := element.get("name") or element.get("property")):
            said.setdefault(name, []).append(element.get("content", ""))
        if element.tag == "link":
            kind = f"{element.get('rel')} {element.get('hreflang') or ''}".strip()
            said.setdefault(kind, []).append(element.get("href", ""))
    return said


def test_every_page_of_the_sitemap_describes_itself_and_its_languages(production: Flask) -> None:
    client = browser(production)
    robots = RobotFileParser()
    robots.parse(client.get("/robots.txt").text.splitlines())
    assert robots.site_maps() == [f"{SHOP}/sitemap.xml"]
    listed = addresses(client)
    assert len(listed) == 16
    descriptions = set()
    for address, languages in listed.items():
        answer = client.get(urlsplit(address).path, query_string={"from": "a-newsletter"})
        assert answer.status_code == 200, address
        assert "Set-Cookie" not in answer.headers or "session" not in answer.headers["Set-Cookie"]
        said = heads(answer.text)
        assert said["canonical"] == said["og:url"] == [address]
        assert {code: said[f"alternate {code}"] for code in ("fr", "en")} == {
            code: [languages[code]] for code in ("fr", "en")
        }
        assert said["alternate x-default"] == [languages["fr"]]
        assert address in languages.values()
        assert said["description"][0].split() == said["og:description"][0].split()
        assert 30 <= len(said["description"][0]) <= 160
        descriptions.add((urlsplit(address).path[:4], *said["description"]))
        assert "robots" not in said
        assert robots.can_fetch("*", address)
        assert client.get(urlsplit(said["og:image"][0]).path).mimetype == "image/png"
    assert len(descriptions) == 10


def test_pages_of_one_visitor_are_not_listed(production: Flask, alice: Account) -> None:
    client = browser(production)
    robots = RobotFileParser()
    robots.parse(client.get("/robots.txt").text.splitlines())
    for path in ("/login", "/fr/order/identification", "/fr/order/summary?business=1&pro_plus=0"):
        assert not robots.can_fetch("*", SHOP + path)
        assert heads(client.get(path).text)["robots"] == ["noindex"], path
    assert heads(client.get("/fr/password").text)["robots"] == ["noindex"]
    assert not robots.can_fetch("*", f"{SHOP}/manager/web")
    Visitor(client).log_in(alice)
    assert heads(client.get("/manager/web").text)["robots"] == ["noindex"]


def test_phones_and_browsers_find_icons_and_manifest(client: CheckingClient) -> None:
    head = heads(client.get("/en/").text)
    answer = client.get(head["manifest"][0])
    assert answer.content_type == "application/manifest+json"
    manifest = answer.get_json()
    assert (manifest["lang"], manifest["start_url"]) == ("en", "/en/")
    for icon in manifest["icons"]:
        picture = client.get(icon["src"]).data
        assert "{}x{}".format(*struct.unpack(">II", picture[16:24])) == icon["sizes"]
    touch = client.get(head["apple-touch-icon"][0])
    assert touch.mimetype == "image/png"
    assert client.get("/favicon.ico").data[:4] == b"\0\0\1\0"
    kept = dict.fromkeys(("/favicon.ico", "/robots.txt", head["manifest"][0]), 86_400)
    for path, seconds in (kept | {"/sitemap.xml": 3_600}).items():
        answer = client.get(path)
        assert "Set-Cookie" not in answer.headers
        assert answer.headers["Cache-Control"] == f"public, max-age={seconds}"


def test_password_managers_find_where_a_password_is_changed(
    visitor: Visitor, alice: Account
) -> None:
    visitor.open("/.well-known/change-password")
    assert visitor.address == "/login?next=/manager/account/password"
    visitor.log_in(alice)
    visitor.open("/.well-known/change-password")
    assert visitor.address == "/manager/account/password"


ACCEPTED = {
    "fr-FR,en;q=0.5": "fr",
    "fr-CA, en-GB;q=0.9": "fr",
    "en-GB,en;q=0.9,fr;q=0.8": "en",
    "de-DE,de;q=0.9,en;q=0.5,fr;q=0.4": "en",
    "en;q=0.5,fr-BE;q=0.7": "fr",
    "en,fr": "en",
    "en;q=0,de": "fr",
    "en;q=x,fr;q=0.1": "fr",
    "*": "fr",
    "": "fr",
}


def test_visitors_are_greeted_in_the_language_they_want_most(client: CheckingClient) -> None:
    for accepted, language in ACCEPTED.items():
        answer = client.get("/", headers={"Accept-Language": accepted})
        assert answer.location == f"/{language}/", accepted


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_page_that_does_not_exist_has_a_menu_and_a_way_home(
    visitor: Visitor, language: str
) -> None:
    visitor.open(f"/{language}/nowhere/at-all")
    assert visitor.response.status_code == 404
    for address in (
        f"/{language}/",
        f"/{language}/office-365-business",
        f"/{language}/help",
        "/manager/web",
        f"/{'en' if language == 'fr' else 'fr'}/",
    ):
        assert visitor.find("a", href=address) is not None, address
