"""Templates and messages rendered outside any request."""

from __future__ import annotations

import pytest
from babel.messages.extract import extract_from_file
from jinja2 import UndefinedError

from shop import vat
from shop.errors import Refusal
from shop.settings import ROOT
from shop.text import templates
from shop.vat import Kind, VatTreatment

WITH_SENTENCES = [
    "shop/customers/postal_addresses.py",
    "shop/pricing/money.py",
    "shop/vat/__init__.py",
    "shop/vat/numbers.py",
]


def said(source: str, language: str, **values: object) -> str:
    return templates.environment(language).from_string(source).render(**values)


def test_filters_write_in_the_language_of_the_template():
    assert said("{{ 123456|money }}, {{ 850|rate }}", "fr") == "1\u202f234,56\u00a0€, 8,5\u00a0%"
    assert said("{{ 123456|money }}, {{ 850|rate }}", "en") == "€1,234.56, 8.5%"


def test_texts_are_translated_with_their_values():
    source = (
        "{{ _('This VAT number is not valid. Check it: it begins with %(prefix)s.', prefix='EL') }}"
    )
    assert said(source, "en").endswith("it begins with EL.")
    assert said(source, "fr").endswith("il commence par EL.")


def test_html_is_escaped_and_plain_text_is_not(tmp_path, monkeypatch):
    (tmp_path / "letter.html").write_text("<p>{{ name }}</p>")
    (tmp_path / "letter.txt").write_text("{{ name }}\n")
    monkeypatch.setattr(templates, "TEMPLATES", tmp_path)
    templates.environment.cache_clear()
    try:
        assert templates.render("letter.html", "fr", name="<b>") == "<p>&lt;b&gt;</p>"
        assert templates.render("letter.txt", "fr", name="R&D") == "R&D\n"
    finally:
        templates.environment.cache_clear()


def test_a_forgotten_value_is_an_error_and_not_a_gap():
    with pytest.raises(UndefinedError):
        said("{{ forgotten }}", "en")


def test_a_refusal_is_said_in_the_customer_s_language():
    refused = Refusal("This VAT number is not valid. Check it: it begins with %(prefix)s.",
                      "vat_number", prefix="DE")  # fmt: skip
    assert templates.refusal(refused, "en") == str(refused)
    assert templates.refusal(refused, "fr") == (
        "Ce numéro de TVA n’est pas valide. Vérifiez-le\u00a0: il commence par DE."
    )


def test_the_vat_mention_names_the_country_in_the_customer_s_language():
    german = VatTreatment(Kind.OSS, "DE", 1900)
    assert "(Allemagne)" in templates.vat_mention(german, "fr")
    assert "VAT of Germany" in templates.vat_mention(german, "en")
    assert "(Portugal)" in templates.vat_mention(VatTreatment(Kind.OSS, "PT-30", 2200), "fr")
    assert templates.vat_mention(vat.french_estimate(), "fr") == ""


def test_a_catalogue_that_was_not_compiled_is_read_from_its_source(tmp_path, monkeypatch):
    place = tmp_path / "fr" / "LC_MESSAGES"
    place.mkdir(parents=True)
    (place / "messages.po").write_text('msgid "Yes"\nmsgstr "Oui"\n')
    monkeypatch.setattr(templates, "TRANSLATIONS", tmp_path)
    assert templates.translations.__wrapped__("fr").ugettext("Yes") == "Oui"


@pytest.mark.parametrize("path", WITH_SENTENCES)
def test_every_sentence_has_its_french(path):
    found = extract_from_file("python", ROOT / path, keywords={"N_": None})
    sentences = [message for _, message, _, _ in found]
    assert sentences
    for sentence in sentences:
        french = templates.translate(sentence, "fr")
        assert french != sentence
        assert "'" not in french
