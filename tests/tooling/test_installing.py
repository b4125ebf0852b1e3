"""The locks install the pinned releases, whatever was released later."""

from __future__ import annotations

import configparser
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.tooling.wheels import (
    NEWER,
    applies,
    installed_in,
    read_lock,
    release,
    version_of,
    write_lock,
    write_wheel,
)
from tooling import environment, lock, npm, uv

pytestmark = pytest.mark.waits

ROOT = Path(__file__).resolve().parent.parent.parent

LOCKS = [environment.RUNTIME, environment.DEVELOPMENT, npm.REQUIREMENTS]


class Index:
    """A folder with two releases of each package of a lock: the pinned one and a newer one."""

    def __init__(self, folder: Path, lock: Path) -> None:
        self.folder = folder
        self.pins = read_lock(lock)
        (folder / "wheels").mkdir()
        for pin in self.pins:
            write_wheel(folder / "wheels", pin.name, NEWER)
        self.hashes = {
            release(pin): write_wheel(folder / "wheels", pin.name, version_of(pin))
            for pin in self.pins
        }

    def lock(self, pins: list[Requirement]) -> Path:
        """Write a lock of ``pins`` with the hashes of this folder's wheels. Return its path."""
        return write_lock(self.folder / "lock.txt", pins, self.hashes)

    def new_environment(self) -> Path:
        """Create an empty environment. Return its Python."""
        uv.make_environment(self.folder / "venv")
        return self.folder / "venv" / "bin" / "python"

    def run(self, command: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
        """Run an installer that can reach this folder only, without network."""
        reached = {
            "UV_CACHE_DIR": str(self.folder / "cache"),
            "UV_FIND_LINKS": str(self.folder / "wheels"),
            "UV_OFFLINE": "1",
            "PIP_FIND_LINKS": str(self.folder / "wheels"),
            "PIP_NO_INDEX": "1",
        }

        def once() -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                command,
                env=os.environ | reached | variables,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )

        done = once()
        if done.returncode and not re.search("×|error", done.stdout, re.IGNORECASE):
            # Now and then uv ends before it has said why it refuses: asked again, it does.
            done = once()
        return done


@pytest.fixture
def development(tmp_path: Path) -> Index:
    return Index(tmp_path, environment.DEVELOPMENT)


@pytest.mark.parametrize("file", LOCKS, ids=lambda file: file.stem)
def test_a_newer_release_of_every_package_changes_nothing(file: Path, tmp_path: Path) -> None:
    index = Index(tmp_path, file)
    python = index.new_environment()
    done = index.run(uv.install_command(python, index.lock(index.pins)))
    assert done.returncode == 0, done.stdout
    expected = {pin.name: version_of(pin) for pin in index.pins if applies(pin)}
    assert installed_in(tmp_path / "venv") == expected


def test_the_newer_releases_are_on_offer(development: Index) -> None:
    """The positive control: an installation without a lock gets the newer releases."""
    python = development.new_environment()
    wanted = ["coverage[toml]", "flask"]
    done = development.run([uv.program(), "pip", "install", "--python", str(python), *wanted])
    assert done.returncode == 0, done.stdout
    assert set(installed_in(development.folder / "venv").values()) == {NEWER}


def test_a_lock_that_lacks_a_package_is_refused(development: Index) -> None:
    python = development.new_environment()
    lacking = [pin for pin in development.pins if pin.name != "markupsafe"]
    done = development.run(uv.install_command(python, development.lock(lacking)))
    assert done.returncode != 0
    assert "markupsafe" in done.stdout
    assert installed_in(development.folder / "venv") == {}


def test_a_changed_file_of_the_pinned_release_is_refused(development: Index) -> None:
    python = development.new_environment()
    (flask,) = [pin for pin in development.pins if pin.name == "flask"]
    development.hashes[release(flask)] = "0" * 64
    done = development.run(uv.install_command(python, development.lock(development.pins)))
    assert done.returncode != 0
    assert "flask" in done.stdout
    assert installed_in(development.folder / "venv") == {}


def test_what_the_lock_does_not_name_is_removed(development: Index) -> None:
    python = development.new_environment()
    one = [pin for pin in development.pins if pin.name == "markupsafe"]
    development.run(uv.install_command(python, development.lock(development.pins)))
    done = development.run(uv.install_command(python, development.lock(one)))
    assert done.returncode == 0, done.stdout
    assert set(installed_in(development.folder / "venv")) == {"markupsafe"}


def test_pip_installs_the_pinned_uv_and_nothing_else(tmp_path: Path) -> None:
    index = Index(tmp_path, uv.REQUIREMENTS)
    uv.program()
    command = uv.pip_command(uv.FOLDER / "bin" / "python", index.lock(index.pins))
    done = index.run(command, PIP_TARGET=str(tmp_path / "target"))
    assert done.returncode == 0, done.stdout
    assert installed_in(tmp_path / "target") == {"uv": version_of(index.pins[0])}


@pytest.mark.parametrize("file", [*LOCKS, uv.REQUIREMENTS], ids=lambda file: file.stem)
def test_no_lock_names_where_packages_come_from(file: Path) -> None:
    assert "://" not in file.read_text()


def test_the_locks_agree_on_every_version() -> None:
    runtime = {release(pin) for pin in read_lock(environment.RUNTIME)}
    assert runtime <= {release(pin) for pin in read_lock(environment.DEVELOPMENT)}


def test_the_package_asks_for_a_python_that_the_locks_are_made_for() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    assert setup["options"]["python_requires"] == f">={lock.PYTHONS[0]}"


def test_a_python_that_is_too_old_is_told_so() -> None:
    """Python 2 and every Python 3 parse the first lines, which print the reason."""
    first = (ROOT / "tooling" / "__main__.py").read_text().partition("# A newer Python")[0]
    program = "import sys; sys.version_info = (3, 6)\n" + first.partition('"""\n\n')[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("This needs Python 3.11 or newer")
