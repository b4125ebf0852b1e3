"""The files that pages load: one of each kind, named by content, compressed, kept for good."""

from __future__ import annotations

import gzip
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import brotli
import pytest

from shop.settings import Settings
from tests import ROOT
from tests.support.client import CheckingClient
from web import asset_build, assets
from web.assets import Assets

pytestmark = pytest.mark.one_database

BUILT = re.compile(r'(?:href|src|data-copy)="(/static/[^"#]+)')


def test_the_order_page_loads_few_files_and_little(client: CheckingClient) -> None:
    """The htmx of the CDN comes on top, its copy only where the CDN does not answer.

    The typeface, which the style sheet names, is part of what the browser test weighs.
    """
    client.reads_pages = False
    page = client.get("/fr/order?offer=business", headers={"Accept-Encoding": "gzip"})
    text = gzip.decompress(page.data).decode()
    files = {path for path in BUILT.findall(text) if "/htmx." not in path}
    assert len(files) == 4, files
    packed = [client.get(path, headers={"Accept-Encoding": "gzip"}) for path in files]
    assert sum(len(each.data) for each in [page, *packed]) < 30_000
    assert {each.headers["Content-Encoding"] for each in packed} == {"gzip"}


def test_files_are_kept_for_good_and_come_in_each_coding(client: CheckingClient) -> None:
    client.reads_pages = False
    page = client.get("/fr/").text
    for path in set(BUILT.findall(page)):
        plain = client.get(path)
        assert plain.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert plain.headers["Vary"] == "Accept-Encoding"
        assert plain.headers["X-Content-Type-Options"] == "nosniff"
        assert plain.headers["Content-Security-Policy"].startswith("default-src 'none'")
        tags = {plain.headers["ETag"]}
        for coding, unpack in (("br", brotli.decompress), ("gzip", gzip.decompress)):
            packed = client.get(path, headers={"Accept-Encoding": coding})
            assert packed.headers["Content-Encoding"] == coding
            assert packed.content_type == plain.content_type
            assert unpack(packed.data) == plain.data
            tags.add(packed.headers["ETag"])
            condition = {"If-None-Match": packed.headers["ETag"], "Accept-Encoding": coding}
            assert client.get(path, headers=condition).status_code == 304
        assert len(tags) == 3
        assert client.head(path).headers["Content-Length"] == str(len(plain.data))
        assert client.post(path).status_code in {404, 405}


def test_another_releases_page_gets_this_ones_file_for_now(client: CheckingClient) -> None:
    response = client.get("/static/built/shop.0123456789ab.css")
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-cache"
    for name in ("shop.0123456789ab.js.map", "other.0123456789ab.css", "x/shop.0123456789ab.css"):
        assert client.get(f"/static/built/{name}").status_code == 404


def test_the_style_sheet_is_all_of_them_in_order_without_what_browsers_do_not_need() -> None:
    sheet = asset_build.style_sheet(ROOT / "static")
    positions = []
    for name in (*asset_build.STYLES, "print"):
        source = (ROOT / "static" / "css" / f"{name}.css").read_text()
        first = asset_build.COMMENT.sub("", source).strip().splitlines()[0]
        positions.append(sheet.index(first))
    assert positions == sorted(positions)
    listed = {path.stem for path in (ROOT / "static" / "css").glob("*.css")}
    assert listed == {*asset_build.STYLES, "fonts", "print"}
    assert "/*" not in sheet
    assert "../" not in sheet, "a picture that is not part of it"
    assert sheet.count("{") == sheet.count("}")
    assert sheet.index("@media print {\n@page") == sheet.rindex("@page") - len("@media print {\n")


@pytest.fixture
def static(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the sources, which this test may change, and changes are looked for each time."""
    monkeypatch.setattr(assets, "LOOK_INTERVAL", 0.0)
    folder = tmp_path / "static"
    shutil.copytree(ROOT / "static", folder, ignore=shutil.ignore_patterns("built"))
    return folder


def edit(path: Path, text: str) -> None:
    """Append to a source, a second later than it was written."""
    before = path.stat().st_mtime_ns
    path.write_text(path.read_text() + text)
    os.utime(path, ns=(before + 10**9, before + 10**9))


def body(found: Assets, url: str) -> bytes:
    stored = found.find(url)
    assert stored is not None
    return stored.form_for("").body


def test_what_a_developer_changes_is_on_the_next_page(settings: Settings, static: Path) -> None:
    first, second = Assets(settings, static), Assets(settings, static)
    before, version = first.url("shop.css"), first.version
    edit(static / "css" / "pages.css", ".changed { color: red; }\n")
    after = first.url("shop.css")
    assert after != before
    assert first.version != version
    for process in (first, second):
        # Whichever process the browser asks, and whether it has made a page since or not.
        assert b".changed" in body(process, after)
    assert second.url("shop.css") == after
    assert sorted(path.suffix for path in (static / "built").glob("shop.*.css*")) == [
        ".br", ".css", ".gz",
    ]  # fmt: skip


def test_production_does_not_look_for_changes(settings: Settings, static: Path) -> None:
    found = Assets(replace(settings, production=True), static)
    before = found.url("shop.css")
    edit(static / "css" / "pages.css", ".changed { color: red; }\n")
    assert found.url("shop.css") == before
    assert Assets(replace(settings, production=True), static).url("shop.css") != before


def test_what_is_built_is_not_built_again(
    settings: Settings, static: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Assets(settings, static)
    monkeypatch.setattr(asset_build, "build", lambda *_: pytest.fail("it was built already"))
    Assets(settings, static)


def test_code_that_is_not_writable_is_no_hindrance(
    settings: Settings, static: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assets.os, "access", lambda *_: False)
    monkeypatch.setattr(assets.tempfile, "mkdtemp", lambda **_: str(tmp_path / "elsewhere"))
    found = Assets(settings, static)
    assert body(found, found.url("sprite.svg")) == (static / "icons/sprite.svg").read_bytes()
    assert not (static / "built").exists()


def test_a_copy_of_htmx_is_named_with_its_hash_if_there_is_one(
    settings: Settings, static: Path, tmp_path: Path
) -> None:
    without = Assets(settings, static)
    assert not without.has("htmx.js")
    script = tmp_path / "htmx.js"
    script.write_text("var htmx = {};")
    asset_build.build(static, static / "built", {"htmx.js": script})
    found = Assets(settings, static)
    assert body(found, found.url("htmx.js")) == script.read_bytes()
    edit(static / "css" / "pages.css", ".changed { color: red; }\n")
    assert Assets(settings, static).has("htmx.js"), "a new build keeps it"


# --- The typeface --------------------------------------------------------------------------------


@pytest.fixture
def typeface(tmp_path: Path) -> dict[str, Path]:
    """The files that set-up fetches from npm, in place of theirs."""
    files = {name: tmp_path / name for name in asset_build.FONTS}
    for name, path in files.items():
        path.write_bytes(b"wOF2" + name.encode())
    return files


def test_the_style_sheet_names_the_typeface_by_its_content(
    settings: Settings, static: Path, typeface: dict[str, Path]
) -> None:
    asset_build.build(static, static / "built", typeface)
    found = Assets(settings, static)
    sheet = body(found, found.url("shop.css")).decode()
    for name, path in typeface.items():
        file = found.url(name).rpartition("/")[2]
        assert sheet.count(f'url("{file}")') == 1, "relative to the style sheet, beside it"
        assert body(found, found.url(name)) == path.read_bytes()
    assert sheet.index("@font-face") < sheet.index('--font: "Source Sans 3"')
    assert "font-display: swap" in sheet


def test_a_font_is_kept_for_good_in_the_one_form_that_it_has(
    settings: Settings, static: Path, typeface: dict[str, Path]
) -> None:
    asset_build.build(static, static / "built", typeface)
    stored = Assets(settings, static).find(Assets(settings, static).url("latin.woff2"))
    assert stored is not None
    for accepted in ("", "gzip", "br, gzip"):
        form = stored.form_for(accepted)
        headers = dict(form.headers)
        assert headers["Content-Type"] == "font/woff2"
        assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert "Content-Encoding" not in headers
        assert form.body == typeface["latin.woff2"].read_bytes()
    assert len(list((static / "built").glob("latin.*"))) == 1


def test_a_changed_source_keeps_the_typeface_and_another_one_replaces_it(
    settings: Settings, static: Path, typeface: dict[str, Path]
) -> None:
    asset_build.build(static, static / "built", typeface)
    found = Assets(settings, static)
    sheet, font = found.url("shop.css"), found.url("latin.woff2")
    edit(static / "css" / "pages.css", ".changed { color: red; }\n")
    after = Assets(settings, static)
    assert after.url("shop.css") != sheet
    assert after.url("latin.woff2") == font
    assert b"@font-face" in body(after, after.url("shop.css"))
    typeface["latin.woff2"].write_bytes(b"wOF2, a newer one")
    asset_build.build(static, static / "built", typeface)
    assert Assets(settings, static).url("latin.woff2") != font


def test_without_the_typeface_pages_have_that_of_the_system(
    settings: Settings, static: Path, typeface: dict[str, Path]
) -> None:
    """Half of it is not enough: a name of another alphabet would stand out in every line."""
    del typeface["latinext.woff2"]
    for given in ({}, typeface):
        asset_build.build(static, static / "built", given)
        found = Assets(settings, static)
        sheet = body(found, found.url("shop.css")).decode()
        assert "@font-face" not in sheet
        assert "woff2" not in sheet
        assert "system-ui" in sheet


def test_the_licence_of_the_typeface_is_served_beside_it(client: CheckingClient) -> None:
    client.reads_pages = False
    text = client.get("/static/fonts/source-sans-3.license.txt").text
    assert "SIL Open Font License, Version 1.1" in text
    sheet = (ROOT / "static" / "css" / "fonts.css").read_text()
    assert "static/fonts/source-sans-3.license.txt" in sheet


# --- The mark ------------------------------------------------------------------------------------


def test_the_mark_is_one_drawing_wherever_it_is_shown() -> None:
    """Papers draw it by curves (templates/documents/logo.typ): the ends of these are compared."""
    icons = ROOT / "static" / "icons"
    outlines = re.findall(r' d="([^"]+)"', (icons / "favicon.svg").read_text())
    assert len(outlines) == 2
    sprite = (icons / "sprite.svg").read_text()
    for name in ("brand", "brand-light"):
        (symbol,) = re.findall(rf'<symbol id="{name}".*?</symbol>', sprite)
        assert re.findall(r' d="([^"]+)"', symbol) == outlines
    paper = (ROOT / "templates" / "documents" / "logo.typ").read_text()
    assert paper.count("(9, 26), (") == len(outlines), "where both begin"
    for end in ("(25, 11.6)", "(24, 26)", "(17.5, 26)"):
        assert end in paper
    mail = (icons / "mark-light.png").read_bytes()
    assert int.from_bytes(mail[16:20]) == int.from_bytes(mail[20:24]) == 56, "twice 28 pixels"
