"""The wheel is a complete shop: it runs where the source tree is not available."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.whole.test_dependencies import SHOP
from tooling import uv

pytestmark = pytest.mark.waits

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDERS = (*SHOP, "migrations", "static", "templates", "translations")
NOT_SHIPPED = shutil.ignore_patterns("__pycache__", "*.mo")

OURS = {"PYTHONPATH", "DATABASE_URL", "SANDBOX_DATABASE"}
"""Variables that may lead a process to this source tree or to other data."""

BUILD = "from setuptools.build_meta import build_wheel; build_wheel('dist')"

ASK = """
import base64, sys
from app import create_app
shop = create_app().test_client()
for path in sys.argv[1:]:
    answer = shop.get(path)
    print(answer.status_code, base64.b64encode(answer.get_data()).decode())
"""

ASK_THE_SANDBOX = """
from sandbox.application import create_sandbox
print(create_sandbox().test_client().get("/").status)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this source tree, built with the installed packages."""
    source = tmp_path_factory.mktemp("source")
    for file in (*ROOT.glob("*.py"), *ROOT.glob("*.toml"), *ROOT.glob("*.md")):
        shutil.copy(file, source)
    for name in ("setup.cfg", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for folder in (*FOLDERS, "tests", "tooling"):
        shutil.copytree(ROOT / folder, source / folder, ignore=NOT_SHIPPED)
    run([sys.executable, "-c", BUILD], source)
    (built,) = (source / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the installed wheel, without its dependencies."""
    folder = tmp_path_factory.mktemp("installed")
    how = ["--no-deps", "--offline", "--python", sys.executable, "--target", str(folder)]
    run([uv.program(), "pip", "install", *how, str(wheel)], folder)
    return folder


def run(command: list[str], where: Path, modules: Path | None = None) -> str:
    """Run a command that must succeed, with the shop's modules from ``modules`` only.

    Return its output.
    """
    apart = {name: value for name, value in os.environ.items() if name not in OURS}
    done = subprocess.run(
        command,
        cwd=where,
        env=apart | {"PYTHONPATH": str(modules or "")},
        text=True,
        capture_output=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_holds_every_file_of_the_shop_and_no_other(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as content:
        shipped = {name for name in content.namelist() if ".dist-info/" not in name}
    source = wheel.parent.parent
    expected = {
        str(path.relative_to(source))
        for folder in FOLDERS
        for path in (source / folder).rglob("*")
        if path.is_file()
    }
    assert shipped == expected | {"app.py", "asgi.py", "models.py", "serve.py"}


@pytest.fixture(scope="module")
def empty(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new folder in which the installed shop has migrated its database."""
    folder = tmp_path_factory.mktemp("empty")
    said = run([sys.executable, *"-m flask --app app migrate".split()], folder, installed)
    assert "The database is up to date." in said
    return folder


def test_an_installed_shop_keeps_its_data_in_the_current_folder(
    installed: Path, empty: Path
) -> None:
    assert (empty / "var" / "shop.db").exists()
    assert not (installed / "var").exists()


def test_an_installed_shop_serves_its_pages_styles_and_documents(
    installed: Path, empty: Path
) -> None:
    css = Path("static") / "css" / "base.css"
    paths = ["/fr/order", f"/{css}", "/fr/contracts/general_terms/1.pdf"]
    said = run([sys.executable, "-c", ASK, *paths], empty, installed)
    answers = [line.split() for line in said.splitlines()]
    assert [status for status, _ in answers] == ["200"] * 3
    page, styles, paper = [base64.b64decode(content) for _, content in answers]
    assert "Licences Office 365 Business" in page.decode()
    assert styles == (ROOT / css).read_bytes()
    assert paper.startswith(b"%PDF-")


def test_an_installed_shop_has_its_sandbox(installed: Path, empty: Path) -> None:
    assert run([sys.executable, "-c", ASK_THE_SANDBOX], empty, installed) == "200 OK\n"
    assert (empty / "var" / "sandbox.db").exists()
