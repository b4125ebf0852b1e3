"""Compiled templates are kept between processes, and used only for what they were made of."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages import Catalog
from babel.messages.mofile import write_mo
from babel.support import NullTranslations, Translations
from jinja2 import DictLoader

from shop.text import compiled
from shop.text.translating import TranslatingEnvironment


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary folder of the machine."""
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    return tmp_path


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sources that were compiled."""
    found: list[str] = []
    compile_source = TranslatingEnvironment._parse

    def parse(self: TranslatingEnvironment, source: str, *names: str | None) -> object:
        found.append(source)
        return compile_source(self, source, *names)

    monkeypatch.setattr(TranslatingEnvironment, "_parse", parse)
    return found


def french(hello: str) -> NullTranslations:
    catalogue, written = Catalog("fr"), BytesIO()
    catalogue.add("Hello", hello)
    write_mo(written, catalogue)
    written.seek(0)
    return Translations(written)


def process(template: str, catalogue: NullTranslations, kind: str = "pages") -> Callable[[], str]:
    """A new process: an environment that has compiled nothing itself."""
    env = TranslatingEnvironment(
        loader=DictLoader({"page.html": template}), extensions=["jinja2.ext.i18n"]
    )
    env.catalogue = catalogue
    env.bytecode_cache = compiled.kept(kind, "fr", catalogue)
    return lambda: env.get_template("page.html").render()


def test_a_second_process_compiles_nothing(compilations: list[str]) -> None:
    for _ in range(2):
        assert process('{{ _("Hello") }}', french("Bonjour"))() == "Bonjour"
    assert len(compilations) == 1


@pytest.mark.parametrize(
    ("template", "hello", "kind", "shown"),
    [
        ('{{ _("Hello") }}!', "Bonjour", "pages", "Bonjour!"),
        ('{{ _("Hello") }}', "Salut", "pages", "Salut"),
        ('{{ _("Hello") }}', "Bonjour", "letters", "Bonjour"),
    ],
    ids=["another template", "another translation", "another environment"],
)
def test_what_was_made_of_something_else_is_not_used(
    compilations: list[str], template: str, hello: str, kind: str, shown: str
) -> None:
    process('{{ _("Hello") }}', french("Bonjour"))()
    assert process(template, french(hello), kind)() == shown
    assert len(compilations) == 2


def test_what_other_code_compiled_is_not_used(
    compilations: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    process('{{ _("Hello") }}', french("Bonjour"))()
    monkeypatch.setattr(compiled, "version", lambda _: "another release")
    process('{{ _("Hello") }}', french("Bonjour"))()
    assert len(compilations) == 2


def test_a_damaged_file_is_compiled_again(folder: Path, compilations: list[str]) -> None:
    process('{{ _("Hello") }}', french("Bonjour"))()
    (kept,) = folder.rglob("*.cache")
    kept.write_bytes(b"damaged")
    assert process('{{ _("Hello") }}', french("Bonjour"))() == "Bonjour"
    assert len(compilations) == 2


def test_a_folder_that_others_may_write_is_not_used(folder: Path, compilations: list[str]) -> None:
    process('{{ _("Hello") }}', french("Bonjour"))()
    (ours,) = folder.iterdir()
    assert ours.stat().st_mode & 0o777 == 0o700
    ours.rename(folder / "elsewhere")
    (folder / ours.name).symlink_to(folder / "elsewhere")
    assert process('{{ _("Hello") }}', french("Bonjour"))() == "Bonjour"
    assert len(compilations) == 2


def test_without_a_folder_each_process_compiles_for_itself(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(folder / "missing"))
    assert compiled.kept("pages", "fr", french("Bonjour")) is None
    assert process('{{ _("Hello") }}', french("Bonjour"))() == "Bonjour"
