"""The choice of Chromium for browser tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tooling import browser


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of programs of a machine without a browser."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def _install(programs: Path, name: str) -> str:
    program = programs / name
    program.touch(mode=0o755)
    return str(program)


def test_a_machine_without_chromium_has_none(programs: Path) -> None:
    assert browser.find_chromium() is None


def test_the_headless_shell_is_preferred(programs: Path) -> None:
    _install(programs, "chromium")
    shell = _install(programs, "chromium-headless-shell")
    assert browser.find_chromium() == shell


def test_the_headless_shell_shows_no_windows(programs: Path) -> None:
    _install(programs, "chromium-headless-shell")
    assert browser.find_chromium(headed=True) is None
    chromium = _install(programs, "chromium")
    assert browser.find_chromium(headed=True) == chromium
    assert browser.find_chromium() != chromium


def test_any_chromium_runs_the_tests(programs: Path) -> None:
    chrome = _install(programs, "google-chrome")
    assert browser.find_chromium() == chrome
