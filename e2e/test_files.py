"""A seat import from a file, the seats as a file, and usage, in one browser session."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from e2e import by_http
from e2e.journey import Journey
from e2e.live import LiveShop

Check = Callable[[], None]

PEOPLE = "Prénom;Nom;Login\nZoé;Moreau;zoe\n;Sans-Prénom;xyz\nJörg;O’Neill;joerg\nA;B;ZOE\n"
"""Two valid lines, one without a first name, and one with a duplicate login."""


def rows_of(journey: Journey, french: str, english: str) -> list[list[str]]:
    """Return the rows of the CSV file that a link leads to."""
    with journey.page.expect_download() as download:
        journey.link(french, english).click()
    text = Path(download.value.path()).read_bytes().decode("utf-8-sig")
    return list(csv.reader(text.splitlines(), delimiter=max(";,", key=text.count)))


def test_a_team_comes_from_a_file_and_its_consumption_is_seen(
    page: Page,
    journey: Journey,
    shop: LiveShop,
    script: bool,
    tmp_path: Path,
    check_accessibility: Check,
) -> None:
    group = by_http.open_group(page, shop.new_customer(journey.language, licences=3))
    say = journey.say
    main = page.locator("main")
    journey.link(
        "Configurer des licences depuis un fichier (CSV)", "Configure licences from a file (CSV)"
    ).click()
    look = journey.button("Examiner le fichier", "Check the file")
    look.click()
    expect(page.locator(".field-error")).to_contain_text(say("Choisissez", "Choose"))
    check_accessibility()

    people = tmp_path / "équipe.csv"
    people.write_bytes(PEOPLE.encode("cp1252"))
    journey.field("Fichier", "File").set_input_files(people)
    look.click()
    bad = page.locator("tbody tr").filter(has_text=say("Laissée de côté", "Left out"))
    expect(bad).to_have_count(2)
    expect(bad.nth(0)).to_contain_text(say("Indiquez le", "Enter the"))
    expect(bad.nth(1)).to_contain_text(say("figure déjà dans le fichier", "in the file already"))
    check_accessibility()
    page.get_by_role("link", name=re.compile(say("Avec un problème", "With a problem"))).click()
    expect(page.locator("#seat-import tbody tr")).to_have_count(2)

    journey.button("Configurer 2 licences", "Configure 2 licences").click()
    expect(page.get_by_role("progressbar", name=say("Licences créées", "Licences created"))
           ).to_be_visible()  # fmt: skip
    done = page.get_by_text(say("Le fichier est traité", "The file is done"))
    if not script:
        by_http.see(page, done)
    expect(done).to_be_visible()
    check_accessibility()
    result = rows_of(journey, "Télécharger le résultat (CSV)", "Download the result (CSV)")
    assert [row[-1] for row in result[1:] if row[3] in {"zoe", "joerg"}] == [
        say("Créé", "Created")
    ] * 2
    assert len(result) == 1 + 4

    page.goto(group)
    listed = rows_of(journey, "Télécharger les licences (CSV)", "Download the licences (CSV)")
    assert listed[1][:3] == ["Zoé", "Moreau", "zoe"]
    assert listed[2][:3] == ["Jörg", "O’Neill", "joerg"]
    assert len(listed) == 1 + 3

    journey.link("Consommation", "Usage").click()
    chart = page.get_by_role("img", name=re.compile(say("maximum par jour", "daily peak")))
    expect(chart).to_be_visible()
    expect(chart).to_have_accessible_name(re.compile(say("Licences actives", "Active licences")))
    expect(main.get_by_role("table").first).to_contain_text("2")
    check_accessibility()
    figures = rows_of(journey, "Télécharger les chiffres (CSV)", "Download the figures (CSV)")
    assert figures[-1][1:] == ["2", "2"]
    page.get_by_text(say("Jour par jour", "Day by day"), exact=True).click()
    expect(main.get_by_role("table").last.locator("tbody tr").first).to_contain_text("2")
    year = journey.link("12 mois", "12 months")
    year.click()
    expect(page).to_have_url(re.compile("period="))
    expect(year).to_have_attribute("aria-current", "true")
    check_accessibility()
