"""What ``deploy/`` holds, checked by the programs it is for."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from shop.settings import Settings, environment
from tests import ROOT, conftest
from tests.support import debian
from tests.support.certificates import make_certificate
from tests.support.proxy import nginx_configuration
from tooling import env_example

pytestmark = pytest.mark.waits

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())


def run(*command: str | Path, where: Path = ROOT, **variables: str) -> str:
    """Return what a command says that ends well."""
    done = subprocess.run(
        command, cwd=where, env={"PATH": debian.SYSTEM, "HOME": str(where)} | variables,
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


# --- The settings --------------------------------------------------------------------------------


def test_the_example_of_settings_is_current() -> None:
    assert (DEPLOY / ".env.example").read_text() == env_example.make(), (
        "run: python -m tooling.env_example"
    )


def test_the_example_filled_in_starts_a_shop() -> None:
    asked_for = dict(re.findall(r"^([A-Z0-9_]+)=(.*)$", env_example.make(), re.MULTILINE))
    assert asked_for["SHOP_ENV"] == "production"
    secrets = {
        "SECRET_KEY": conftest.ENVIRONMENT["SECRET_KEY"],
        "MAIL_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
    }
    filled = asked_for | {
        name: value for name, value in (conftest.PRODUCTION | secrets).items() if name in asked_for
    }
    assert all(filled.values()), filled
    assert Settings.from_environment(filled).production


def test_the_example_filled_in_as_for_a_trial_uses_the_sandbox_alone() -> None:
    asked_for = dict(re.findall(r"^([A-Z0-9_]+)=(.*)$", env_example.make(), re.MULTILINE))
    parties = {name: "" for name in asked_for if name.startswith(("STRIPE_", "GRAPH_"))}
    site = {"PUBLIC_URL": "https://shop.example", "SECRET_KEY": conftest.ENVIRONMENT["SECRET_KEY"]}
    filled = asked_for | parties | site | {"SHOP_ENV": "development"}
    tried = Settings.from_environment(filled)
    assert not tried.production
    assert tried.uses_any_sandbox


def test_the_example_names_every_setting_of_production() -> None:
    named = set(re.findall(r"^#?([A-Z0-9_]+)=", env_example.make(), re.MULTILINE))
    wanted = {name for name in environment() if not name.startswith("SANDBOX_")} - {"RATE_LIMITS"}
    assert named == wanted


# --- The proxies ---------------------------------------------------------------------------------


def test_nginx_accepts_its_configuration(tmp_path: Path) -> None:
    make_certificate(tmp_path)
    configuration = nginx_configuration(tmp_path, port=8443, upstream=5000)
    said = run(debian.find_program("nginx", "nginx"), "-t", "-p", tmp_path, "-c", configuration)
    assert "syntax is ok" in said
    assert "warn" not in said


def test_caddy_accepts_its_configuration(tmp_path: Path) -> None:
    caddy = debian.find_program("caddy", "caddy")
    text = (DEPLOY / "Caddyfile").read_text()
    major, minor = map(int, re.findall(r"\d+", run(caddy, "version"))[:2])
    if (major, minor) < (2, 7):
        # Debian's caddy knows the buffers by the names they had before.
        text = text.replace("request_buffers 4MiB", "buffer_requests\nmax_buffer_size 4MiB")
        text = text.replace("response_buffers 4MiB", "buffer_responses")
    (tmp_path / "Caddyfile").write_text(text)
    said = run(
        caddy, "validate", "--adapter", "caddyfile", "--config", tmp_path / "Caddyfile",
        where=tmp_path, PUBLIC_URL="https://shop.example",
    )  # fmt: skip
    assert "Valid configuration" in said


@pytest.mark.parametrize("name", ["nginx.conf", "Caddyfile"])
def test_both_proxies_say_who_asks_and_believe_no_client(name: str) -> None:
    text = (DEPLOY / name).read_text()
    for header in ("For", "Proto", "Host", "Port", "Prefix"):
        assert f"X-Forwarded-{header}" in text
    assert re.search(r"(header_up -|proxy_set_header )Forwarded", text)
    assert "/metrics" in text


@pytest.mark.parametrize("name", ["nginx.conf", "Caddyfile"])
def test_both_proxies_send_people_to_tls_and_no_machine(name: str) -> None:
    text = (DEPLOY / name).read_text()
    machines = re.search(r"(?:path (/notif.*)|\^/\((notif.*)\) \{)", text)
    assert machines
    for path in ("notifications/", "healthz", "readyz", "metrics"):
        assert path in machines[0]
    refusal = re.search(r"respond @machines 403|\) \{\s+return 403;", text)
    redirect = re.search(r"redir \{\$PUBLIC_URL\}|return 301 https://shop\.example", text)
    assert refusal
    assert redirect
    assert refusal.start() < redirect.start()


def test_nginx_allows_recent_tls_alone() -> None:
    text = (DEPLOY / "nginx.conf").read_text()
    assert re.findall(r"ssl_protocols (.*);", text) == ["TLSv1.2 TLSv1.3"]
    assert re.findall(r"ssl_ciphers (.*);", text) == ["ECDHE+AESGCM:ECDHE+CHACHA20"]
    assert "protocols tls1." not in (DEPLOY / "Caddyfile").read_text(), (
        "Caddy's own are 1.2 and 1.3"
    )


# --- The units -----------------------------------------------------------------------------------


@pytest.fixture
def units(tmp_path: Path) -> list[Path]:
    """The units, with a program of this machine in place of the installed one."""
    for unit in UNITS:
        text = unit.read_text().replace("/srv/shop/.venv/bin/python", sys.executable)
        (tmp_path / unit.name).write_text(text)
    return sorted(tmp_path.iterdir())


def systemd_analyze() -> str:
    found = shutil.which("systemd-analyze")
    if not found:
        pytest.skip("systemd-analyze is missing: this machine has no systemd")
    return found


def test_the_units_start_parts_that_exist() -> None:
    started = {
        unit.stem: re.findall(r"^ExecStart=.*-m (\w+) (\w+)", unit.read_text(), re.MULTILINE)
        for unit in UNITS
        if unit.suffix == ".service"
    }
    assert started == {
        "shop-web": [("serve", "web")],
        "shop-worker": [("serve", "worker")],
        "shop-migrate": [("serve", "migrate")],
        "shop-backup": [("flask", "backup")],
    }


def test_certificates_are_renewed_by_the_folder_that_nginx_serves() -> None:
    """Certbot's own server would find port 80 taken by nginx."""
    page = (DEPLOY / "README.md").read_text()
    (folder,) = re.findall(r"certbot certonly --webroot --webroot-path (\S+)", page)
    text = (DEPLOY / "nginx.conf").read_text()
    (served,) = re.findall(r"location /.well-known/acme-challenge/ {\s*root (\S+);", text)
    assert folder == served


def test_systemd_accepts_the_units(units: list[Path]) -> None:
    assert run(systemd_analyze(), "verify", "--man=no", *units) == ""


@pytest.mark.parametrize("name", ["shop-web", "shop-worker", "shop-migrate", "shop-backup"])
def test_the_units_are_hardened(units: list[Path], name: str) -> None:
    (unit,) = [each for each in units if each.stem == name and each.suffix == ".service"]
    run(systemd_analyze(), "security", "--offline=true", "--threshold=20", unit)


def test_control_a_unit_without_hardening_is_found(tmp_path: Path) -> None:
    unit = tmp_path / "plain.service"
    unit.write_text("[Service]\nExecStart=/bin/true\n")
    done = subprocess.run(
        [systemd_analyze(), "security", "--offline=true", "--threshold=20", unit],
        capture_output=True,
    )
    assert done.returncode != 0


def test_the_history_is_out_of_reach() -> None:
    services = [unit for unit in UNITS if unit.suffix == ".service"]
    assert len(services) == 4
    for unit in services:
        assert "InaccessiblePaths=-/srv/shop/.git\n" in unit.read_text(), unit.name
    assert ".git" in ignored()


# --- The image -----------------------------------------------------------------------------------


def ignored() -> Sequence[str]:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    return [line.removeprefix("**/") for line in lines if line and not line.startswith("#")]


def test_an_image_holds_the_shop_and_no_secret_of_its_builder(tmp_path: Path) -> None:
    def leave_out(folder: str, names: list[str]) -> set[str]:
        inside = Path(folder).relative_to(ROOT)
        return {
            name
            for name in names
            for pattern in ignored()
            if fnmatch(name, pattern) or fnmatch(str(inside / name), pattern)
        }

    context = tmp_path / "context"
    shutil.copytree(ROOT, context, ignore=leave_out)
    assert not [name for name in (".git", ".venv", "var", "tests") if (context / name).exists()]
    program = "import app, asgi, serve, sandbox.application, tooling.steps; app.create_app()"
    run(sys.executable, "-c", program, where=context, PYTHONPATH=str(context))


def test_the_image_runs_parts_that_exist() -> None:
    text = (DEPLOY / "Containerfile").read_text()
    assert "USER 10001:10001" in text
    assert 'ENTRYPOINT ["python", "-m", "serve"]' in text
    compose = (DEPLOY / "compose.yaml").read_text()
    parts = set(re.findall(r"command: \[(web|worker|migrate)\]", compose))
    assert parts == {"web", "worker", "migrate"}
    assert re.search(r"RUN python -m tooling image", text)
