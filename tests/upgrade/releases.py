"""The previous release: its code, taken from the history of git, and its processes."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from shop.database import MIGRATIONS
from tests import ROOT
from tests.support import patience
from tests.support.processes import free_port, wait_for_answer
from tooling.release import RECORD
from tooling.report import CACHE

EXPORTS = CACHE / "releases"
FORMER_LIBRARIES = Path(__file__).parent / "former_libraries"


@dataclass(frozen=True)
class Recorded:
    """The previous release: its version, its commit, and the newest of its migrations."""

    version: str
    commit: str
    migration: str


def previous() -> Recorded:
    """Return the release that operators upgrade from (see `tooling.release`)."""
    record = configparser.ConfigParser()
    record.read(RECORD)
    return Recorded(**record["previous release"])


def newer_migrations() -> list[str]:
    """Return the names of the migrations added since the previous release."""
    names = sorted(path.stem for path in MIGRATIONS.glob("[0-9]*.py"))
    return [name for name in names if name > previous().migration]


def code_of(commit: str) -> Path:
    """Return a folder with the code of a commit.

    Skips the test where the history does not reach back so far: in an archive, or a shallow clone.
    """
    folder = EXPORTS / commit
    if not folder.exists():
        _require(commit)
        EXPORTS.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=EXPORTS))
        archive = _git("archive", commit).stdout
        subprocess.run(["tar", "-x", "-C", fresh], input=archive, check=True)
        # The catalogues, by the program that came with them.
        compile_them = (
            "import sys; from tooling.translations import prepare; prepare(sys.executable)"
        )
        run_in(fresh, ["-c", compile_them], {})
        try:
            fresh.rename(folder)
        except OSError:  # Another process was first.
            shutil.rmtree(fresh)
    return folder


def _require(commit: str) -> None:
    """Skip the test without that commit; fail if the whole history is here, and it is not."""
    if shutil.which("git") is None:
        pytest.skip("git is missing: the previous release's code is taken from its history")
    found = _git("rev-parse", "--show-toplevel", "--is-shallow-repository")
    top, _, shallow = found.stdout.decode().strip().rpartition("\n")
    if found.returncode or Path(top) != ROOT:
        pytest.skip(
            f"the previous release ({commit[:12]}) is in the history of git, which is not to be "
            f"had here: {found.stderr.decode().strip() or 'this folder is not a clone'}"
        )
    if _git("cat-file", "-e", f"{commit}^{{commit}}").returncode == 0:
        return
    if shallow == "true":
        pytest.skip(
            f"this clone is shallow and lacks the previous release: git fetch origin {commit}"
        )
    pytest.fail(f"{RECORD.name} names {commit}, which is no commit of this repository")


def _git(*words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", "-C", ROOT, *words], capture_output=True, check=False)


def run_in(folder: Path, words: list[str], environment: Mapping[str, str]) -> None:
    """Run Python on the code in ``folder``. Raises `subprocess.CalledProcessError`."""
    command = [sys.executable, *words]
    subprocess.run(
        command, cwd=folder, env=os.environ | environment, check=True, capture_output=True
    )


def former_libraries(code: Path) -> dict[str, str]:
    """Return the variable that gives a former release stand-ins of the libraries it lost since."""
    return {} if code == ROOT else {"PYTHONPATH": str(FORMER_LIBRARIES)}


class Shop:
    """One shop on one database, of which some processes run one release, and some another."""

    def __init__(self, folder: Path, database_url: str) -> None:
        sandbox = free_port()
        self.folder = folder
        self.environment = {
            "DATABASE_URL": database_url,
            "SECRET_KEY": "a-secret-of-both-releases-that-nobody-else-uses",
            "HOST": "127.0.0.1",
            "WEB_PROCESSES": "1",
            "RATE_LIMITS": "off",
            "ARGON2_MEMORY_KIB": "8",
            "ARGON2_PASSES": "1",
            "SANDBOX_PORT": str(sandbox),
            "SANDBOX_URL": f"http://127.0.0.1:{sandbox}",
            "SANDBOX_DATABASE": str(folder / "sandbox.db"),
            "SANDBOX_LATENCY": "0",
        }

    def migrate(self, code: Path) -> None:
        """Bring the database up to date with the code of a release."""
        run_in(code, ["-m", "flask", "--app", "app", "migrate"], self.environment)

    @contextmanager
    def sandbox_runs(self) -> Iterator[None]:
        """Run the outside parties until the block ends."""
        with self._process("sandbox", ROOT, ["-m", "sandbox"], {}) as process:
            wait_for_answer(process, self.environment["SANDBOX_URL"])
            yield

    @contextmanager
    def web_runs(self, code: Path) -> Iterator[Web]:
        """Run the web server of a release until the block ends."""
        port = free_port()
        where = {"PORT": str(port), "PUBLIC_URL": f"http://localhost:{port}"}
        with self._process(f"web-{port}", code, ["-m", "asgi"], where) as process:
            yield Web(where["PUBLIC_URL"], process)

    @contextmanager
    def worker_runs(self, code: Path) -> Iterator[None]:
        """Run the worker of a release until the block ends."""
        with self._process("worker", code, ["-m", "flask", "--app", "app", "worker"], {}):
            yield

    @contextmanager
    def _process(
        self, name: str, code: Path, words: list[str], changes: Mapping[str, str]
    ) -> Iterator[subprocess.Popen[bytes]]:
        environment = os.environ | self.environment | former_libraries(code) | changes
        with ExitStack() as opened:
            log = opened.enter_context((self.folder / f"{name}.log").open("ab"))
            process = subprocess.Popen(
                [sys.executable, *words], cwd=code, env=environment, stdout=log, stderr=log
            )
            try:
                yield process
            finally:
                process.terminate()
                process.wait(patience.STUCK)


@dataclass(frozen=True)
class Web:
    """A web server: its address and its process."""

    url: str
    process: subprocess.Popen[bytes]

    def wait(self) -> None:
        """Wait until it serves."""
        wait_for_answer(self.process, f"{self.url}/readyz")


def walk(code: Path, url: str) -> str:
    """Walk through a shop by the program of a release; return why that failed, or ""."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.upgrade.walk", url],
        cwd=code,
        capture_output=True,
        text=True,
        timeout=2 * patience.STUCK,
        check=False,
    )
    return done.stderr.strip() if done.returncode else ""
