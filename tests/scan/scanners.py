"""The scanners: how they are called, within their time, and what they say."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.scan import findings
from tests.scan.findings import Report
from tests.scan.targets import TOKEN, Target, targets

PACKAGES = {"wapiti": "wapiti", "sqlmap": "sqlmap"}
"""The Debian package of each program."""

MODULES = (
    "backup,blindsql,cookieflags,crlf,csp,csrf,exec,file,http_headers,methods,permanentxss,"
    "redirect,sql,xss"
)
"""wapiti's modules; those that ask a server of their makers (ssrf, xxe) stay out."""

FINISHED = "[*] ending @"
"""What sqlmap says at its end."""

ON_ITS_WAY = 30
"""Seconds that a program has to end when its time is over."""


@dataclass(frozen=True)
class Site:
    """The shop to scan: its address, the log of its requests, and a folder for the scanners."""

    url: str
    log: Path
    folder: Path


Scanner = Callable[[Site, httpx.Client, str, float], Report]
"""A scanner asks a site with the cookies of a client, for a number of seconds at most."""


def missing() -> list[str]:
    """Return the Debian packages to install first."""
    return [package for program, package in PACKAGES.items() if shutil.which(program) is None]


def wapiti(site: Site, client: httpx.Client, who: str, seconds: float) -> Report:
    """Let wapiti crawl the shop and attack what it finds."""
    report = Report(f"wapiti, {who}", f"modules {MODULES}")
    written = site.folder / f"wapiti {who}.json"
    cookies = site.folder / f"cookies {who}.json"
    cookies.write_text(json.dumps(_cookies(site, client)))
    # A third for crawling; its modules share the rest, and end by themselves when it is over.
    each = max(5, seconds * 2 / 3 / (MODULES.count(",") + 1))
    options = {
        "--url": f"{site.url}/",
        "--start": f"{site.url}/manager/web" if client.cookies else f"{site.url}/fr/order",
        "--scope": "domain",
        "--module": MODULES,
        "--cookie": cookies,
        "--depth": "6",
        "--max-links-per-page": "40",
        "--max-parameters": "12",
        "--max-scan-time": f"{seconds / 3:.0f}",
        "--max-attack-time": f"{each:.0f}",
        # It asks for Brotli, which it cannot read, and then sees no link on any page.
        "--header": "Accept-Encoding: identity",
        "--timeout": "20",
        "--format": "json",
        "--output": written,
        "--store-session": site.folder,
        "--store-config": site.folder,
    }
    words = [str(word) for option in options.items() for word in option]
    with _counting(report, site):
        said = _run(["wapiti", *words, "--flush-session", "--no-bugreport"], seconds + ON_ITS_WAY)
    if pages := re.search(r"found (\d+) URLs and forms", said):
        report.asked += f", on {pages[1]} addresses and forms"
    if written.exists():
        report.findings |= findings.from_wapiti(written.read_text())
    else:
        report.not_answered = f"it wrote no report: {_last_line(said)}"
    return report


def sqlmap(site: Site, client: httpx.Client, who: str, seconds: float) -> Report:
    """Let sqlmap try each parameter of each address and form that this customer comes to."""
    found = targets(client)
    named = sum(len(each.parameters) for each in found)
    report = Report(f"sqlmap, {who}", f"{named} parameters of {len(found)} addresses and forms")
    ends, finished = time.monotonic() + seconds, 0
    with _counting(report, site):
        for number, each in enumerate(found):
            left = ends - time.monotonic()
            if left < 1:
                break
            said = _run(
                _sqlmap_command(site, client, each), min(left, 4 * left / (len(found) - number))
            )
            report.findings |= findings.from_sqlmap(said, str(each))
            finished += FINISHED in said
    report.asked += f", {finished} of which it finished in time"
    if not finished:
        report.not_answered = "sqlmap finished nothing in its time"
    return report


def _sqlmap_command(site: Site, client: httpx.Client, target: Target) -> list[str]:
    options = {
        "-u": target.url,
        "-p": ",".join(target.parameters),
        "--cookie": "; ".join(f"{name}={value}" for name, value in client.cookies.items()),
        "--dbms": "sqlite",
        "--timeout": "20",
        "--retries": "0",
        "--output-dir": site.folder / "sqlmap",
    }
    if target.data:
        options |= {"--data": target.data}
        if TOKEN in target.data:
            options |= {"--csrf-token": TOKEN, "--csrf-url": target.page}
    words = [
        f"{name}={value}" if name[1] == "-" else f"{name}{value}" for name, value in options.items()
    ]
    return ["sqlmap", "--batch", "--disable-coloring", "--flush-session", "--ignore-code=*", *words]


def _cookies(site: Site, client: httpx.Client) -> dict[str, object]:
    """Return the cookies as wapiti reads them."""
    host = httpx.URL(site.url).host
    each = {"expires": None, "secure": False, "port": None, "version": 0}
    return {host: {"/": {name: {"value": given} | each for name, given in client.cookies.items()}}}


@contextmanager
def _counting(report: Report, site: Site) -> Iterator[None]:
    """Count the time of the block, and the requests and faults that the shop logs in it."""
    began, offset = time.monotonic(), site.log.stat().st_size
    yield
    report.seconds = time.monotonic() - began
    report.requests, faults = findings.from_access_log(findings.read_from(site.log, offset))
    report.findings |= faults


def _run(command: Sequence[str], seconds: float) -> str:
    """Run a program, and end it when its time is over; return what it printed."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=max(1, seconds),
            check=False,
        )
        return done.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired as error:
        return (error.stdout or b"").decode(errors="replace")


def _last_line(said: str) -> str:
    return next((line for line in reversed(said.splitlines()) if line.strip()), "nothing")
