"""Set-up builds what pages load, once, and can do without npm where the shop can."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path
from types import ModuleType

import pytest

from tooling import assets, fonts, htmx, npm, steps
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
    monkeypatch.setattr(fonts, "FILES", {"latin.woff2": tmp_path / "fetched.woff2"})
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


def test_what_came_from_npm_later_is_built_in(
    runs: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assets.prepare("python")
    for path in (htmx.FILE, fonts.FILES["latin.woff2"]):
        path.write_text("fetched")
        os.utime(path, ns=(assets.MANIFEST.stat().st_mtime_ns + 10**9,) * 2)
        assets.prepare("python")
    assert runs[1][3:] == [f"htmx.js={htmx.FILE}"]
    assert runs[2][3:] == [f"htmx.js={htmx.FILE}", f"latin.woff2={fonts.FILES['latin.woff2']}"]


# --- Files from npm ------------------------------------------------------------------------------

PACKAGE = npm.Package("@fonts/made-up", "1.2.3", "A typeface")


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What npm is asked for; it packs one file, ``files/a.woff2``, of the content ``right``."""
    monkeypatch.setattr(npm, "CACHE", tmp_path)
    monkeypatch.setattr(npm.shutil, "which", lambda _: "npm")
    asked: list[list[str]] = []

    def run(command: list[object]) -> str:
        asked.append([str(word) for word in command])
        with tarfile.open(tmp_path / "fonts-made-up-1.2.3.tgz", "w:gz") as archive:
            member = tarfile.TarInfo("package/files/a.woff2")
            member.size = len(b"right")
            archive.addfile(member, io.BytesIO(b"right"))
        return ""

    monkeypatch.setattr(npm, "run", run)
    return asked


def test_a_file_is_fetched_from_npm_once_in_the_pinned_version(
    registry: list[list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = {tmp_path / "a.woff2": npm.Member("files/a.woff2", npm.integrity(b"right"))}
    npm.fetch(PACKAGE, wanted)
    npm.fetch(PACKAGE, wanted)
    assert (tmp_path / "a.woff2").read_bytes() == b"right"
    assert [asked[:3] for asked in registry] == [["npm", "pack", "@fonts/made-up@1.2.3"]]
    (tmp_path / "a.woff2").write_bytes(b"half of it")
    npm.fetch(PACKAGE, wanted)
    assert (tmp_path / "a.woff2").read_bytes() == b"right"


def test_a_file_with_another_content_is_refused(
    registry: list[list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SetupError, match=r"A typeface 1\.2\.3 does not have the integrity hash"):
        npm.fetch(PACKAGE, {tmp_path / "a": npm.Member("files/a.woff2", npm.integrity(b"other"))})
    assert not (tmp_path / "a").exists()


@pytest.fixture
def no_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was to be fetched from a registry that does not answer."""
    attempts: list[str] = []

    def fail(package: npm.Package, wanted: object) -> None:
        attempts.append(package.title)
        raise SetupError("npm does not answer")

    monkeypatch.setattr(npm, "fetch", fail)
    monkeypatch.setattr(htmx, "FAILED", tmp_path / "no-htmx")
    monkeypatch.setattr(fonts, "FAILED", tmp_path / "no-typeface")
    return attempts


@pytest.mark.parametrize(
    ("module", "missing"), [(htmx, "a copy of htmx"), (fonts, "its typeface")], ids=str
)
def test_the_shop_is_served_without_npm_which_is_said_once(
    no_npm: list[str], capsys: pytest.CaptureFixture[str], module: ModuleType, missing: str
) -> None:
    module.prepare_if_possible()
    module.prepare_if_possible()
    assert len(no_npm) == 1
    said = capsys.readouterr().out
    assert said.count(f"Without {missing} on this site: npm does not answer") == 1
    os.utime(module.FAILED, (0, 0))
    module.prepare_if_possible()
    assert len(no_npm) == 2, "a day later"


def test_an_image_is_not_made_without_what_npm_has(
    no_npm: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SetupError):
        steps.prepare_image()
    monkeypatch.setattr(htmx, "prepare", lambda: None)
    with pytest.raises(SetupError):
        steps.prepare_image()
    assert no_npm == ["htmx", "Source Sans 3"]
