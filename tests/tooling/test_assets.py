"""Set-up builds what pages load, once, and can do without npm where the shop can."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tooling import assets, htmx, steps
from tooling.report import SetupError

pytestmark = pytest.mark.one_database


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The programs that set-up runs from now on, on sources of this test."""
    for folder in ("css", "built"):
        (tmp_path / "static" / folder).mkdir(parents=True)
    (tmp_path / "static" / "css" / "base.css").write_text("a { color: red; }\n")
    (tmp_path / "builder.py").write_text("")
    monkeypatch.setattr(assets, "STATIC", tmp_path / "static")
    monkeypatch.setattr(assets, "BUILT", tmp_path / "static" / "built")
    monkeypatch.setattr(assets, "MANIFEST", tmp_path / "static" / "built" / "manifest.json")
    monkeypatch.setattr(assets, "BUILDER", tmp_path / "builder.py")
    monkeypatch.setattr(htmx, "FILE", tmp_path / "htmx.js")
    found: list[list[str]] = []

    def run(command: list[object]) -> str:
        found.append([str(word) for word in command])
        assets.MANIFEST.write_text("{}")
        later(assets.MANIFEST)
        return ""

    monkeypatch.setattr(assets, "run", run)
    return found


def later(path: Path) -> None:
    """Give a file a time a second after that of all others."""
    newest = max(each.stat().st_mtime_ns for each in path.parents[2].rglob("*") if each.is_file())
    os.utime(path, ns=(newest + 10**9, newest + 10**9))


def test_assets_are_built_once_and_again_after_each_change(
    runs: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assets.prepare("python")
    assets.prepare("python")
    assert runs == [["python", "-m", "web.asset_build"]]
    later(assets.STATIC / "css" / "base.css")
    assets.prepare("python")
    assert len(runs) == 2


def test_a_copy_of_htmx_that_came_later_is_built_in(
    runs: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assets.prepare("python")
    htmx.FILE.write_text("var htmx = {};")
    os.utime(htmx.FILE, ns=(assets.MANIFEST.stat().st_mtime_ns + 10**9,) * 2)
    assets.prepare("python")
    assert runs[1][-1] == str(htmx.FILE)


@pytest.fixture
def no_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Attempts to fetch htmx from a registry that does not answer."""
    attempts: list[str] = []

    def fail() -> None:
        attempts.append("npm")
        raise SetupError("npm does not answer")

    monkeypatch.setattr(htmx, "prepare", fail)
    monkeypatch.setattr(htmx, "FAILED", tmp_path / "failed")
    return attempts


def test_the_shop_is_served_without_npm_which_is_said_once(
    no_npm: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    htmx.prepare_if_possible()
    htmx.prepare_if_possible()
    assert no_npm == ["npm"]
    said = capsys.readouterr().out
    assert said.count("Without a copy of htmx on this site: npm does not answer") == 1
    os.utime(htmx.FAILED, (0, 0))
    htmx.prepare_if_possible()
    assert len(no_npm) == 2, "a day later"


def test_an_image_is_not_made_without_the_copy(no_npm: list[str]) -> None:
    with pytest.raises(SetupError):
        steps.prepare_image()
