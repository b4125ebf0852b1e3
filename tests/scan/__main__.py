"""Scan a shop that is served for it: ``python -m tests.scan [--minutes 12]``.

wapiti and sqlmap ask a shop with demo data on this machine, as a stranger and as a customer, and
pip-audit asks about the packages. The exit status is 1 if something was found, 2 if a scanner is
missing or gave no answer.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import httpx

from bench.pages import find_form
from tests.scan import scanners
from tests.scan.findings import Finding, Report
from tests.scan.scanners import Site
from tooling import environment, pip_audit
from tooling.report import SetupError
from tooling.serving import free_ports, serving

LICENCES = 3

SHARES: dict[tuple[str, scanners.Scanner], float] = {
    ("a stranger", scanners.wapiti): 0.15,
    ("a stranger", scanners.sqlmap): 0.2,
    ("a customer", scanners.wapiti): 0.2,
    ("a customer", scanners.sqlmap): 0.45,
}
"""Who asks, by which scanner, and for which share of the time."""

FOUND, MISSING = 1, 2


def main() -> int:
    """Scan, print the summary, and return the exit status."""
    parser = argparse.ArgumentParser(prog="make scan", description=__doc__)
    parser.add_argument("--minutes", type=float, default=12, help="how long, at most")
    options = parser.parse_args()
    if packages := scanners.missing():
        print(f"Install the scanners first: apt-get install {' '.join(packages)}", file=sys.stderr)
        return MISSING
    reports = [*scan(options.minutes * 60), audit()]
    print("\nSummary of the scan\n")
    for each in reports:
        print(*each.lines(), sep="\n")
    if any(each.unexplained for each in reports):
        return FOUND
    # A database of vulnerabilities that gives no answer is said above, and no fault of the shop.
    return MISSING if any(each.not_answered for each in reports[:-1]) else 0


def scan(seconds: float) -> list[Report]:
    """Serve a shop with demo data, and let each scanner at it, first as a stranger."""
    with tempfile.TemporaryDirectory(prefix="shop-scan-") as made:
        folder = Path(made)
        port, sandbox = free_ports(2)
        variables = {
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "PUBLIC_URL": f"http://127.0.0.1:{port}",
            "SANDBOX_PORT": str(sandbox),
            "DATABASE_URL": f"sqlite:///{folder}/shop.db",
            "SANDBOX_DATABASE": f"{folder}/sandbox.db",
            # Scanners must reach the code behind the limits.
            "RATE_LIMITS": "off",
            "ARGON2_MEMORY_KIB": "8",
            "ARGON2_PASSES": "1",
        }
        # By its number, as wapiti sends no cookie to a host without a dot.
        site = Site(f"http://127.0.0.1:{port}", folder / "serve.log", folder)
        with serving(variables, site.log, ("-m", "tests.scan.serve")):
            print(f"The shop to scan is open: {site.url}/", flush=True)
            return [
                _run(scanner, site, f"http://127.0.0.1:{sandbox}", who, seconds * share)
                for (who, scanner), share in SHARES.items()
            ]


def _run(scanner: scanners.Scanner, site: Site, sandbox: str, who: str, seconds: float) -> Report:
    with httpx.Client(base_url=site.url, follow_redirects=True, timeout=60) as client:
        if who == "a customer":
            sign_in(client, sandbox)
        print(f"· {scanner.__name__}, {who}: {seconds / 60:.1f} minutes at most", flush=True)
        return scanner(site, client, who, seconds)


def sign_in(client: httpx.Client, sandbox: str) -> None:
    """Sign in as a new customer who has licences and mailboxes. Raises `httpx.HTTPError`."""
    wanted = {"language": "fr", "licences": LICENCES, "exchange": True}
    made = httpx.post(f"{sandbox}/controls/accounts", json=wanted, timeout=60).raise_for_status()
    account = made.json()
    form = find_form(client.get("/login?lang=fr").text, "Se connecter")
    given = {name: account[name] for name in ("nic_handle", "password")}
    client.post(form.action, data=form.filled(given)).raise_for_status()
    client.get("/manager/web").raise_for_status()


def audit() -> Report:
    """Ask about the packages that the shop runs with."""
    report = Report("pip-audit", f"the packages of {environment.RUNTIME.name}")
    try:
        answer = pip_audit.ask(environment.RUNTIME)
    except SetupError as error:
        report.not_answered = str(error)
        return report
    report.asked += f": {answer.known} known to the database, {answer.unknown} not"
    report.findings = {Finding("high", each, "requirements.txt") for each in answer.vulnerable}
    if answer.failed or not answer.known:
        report.not_answered = answer.failed or "its database knows none of them"
    return report


if __name__ == "__main__":
    sys.exit(main())
