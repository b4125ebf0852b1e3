"""Pages are in the visitor's language, with or without compiled catalogues."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, render_template_string

from shop.text import templates
from tests.support.client import CheckingClient


@pytest.fixture
def uncompiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Use the catalogues as they are in the source tree, not compiled, with one message added."""
    catalogues = tmp_path / "translations"
    shutil.copytree(templates.TRANSLATIONS, catalogues, ignore=shutil.ignore_patterns("*.mo"))
    french = catalogues / "fr" / "LC_MESSAGES" / "messages.po"
    french.write_text(french.read_text().replace('msgstr "Commander"', 'msgstr "Réserver"'))
    monkeypatch.setattr(templates, "TRANSLATIONS", catalogues)
    templates.translations.cache_clear()
    yield
    templates.translations.cache_clear()


def test_a_french_page_is_french_without_compiled_translations(
    client: CheckingClient, uncompiled: None
) -> None:
    assert "Réserver" in client.get("/fr/office-365-business").text
    assert "Réserver" not in client.get("/en/office-365-business").text


def test_an_amount_in_a_template_is_formatted_for_each_visitor(app: Flask) -> None:
    said = []
    for language in ("en", "fr", "en"):
        with app.test_request_context(f"/{language}"):
            said.append(render_template_string("{{ 0|money }}").replace("\xa0", " "))
    assert said == ["€0.00", "0,00 €", "€0.00"]
