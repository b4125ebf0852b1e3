"""What a scanner asked, and what it found."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

SEVERITIES = {1: "low", 2: "medium", 3: "high"}

TLS = "served without TLS here; shown with it by tests/deploy/test_tls.py"

EXPECTED = {
    "Secure flag is not set in the cookie": TLS,
    "Strict-Transport-Security is not set": TLS,
    "X-XSS-Protection is not set": "obsolete; the Content-Security-Policy does what it did",
}
"""What a scanner rightly says of this shop, and why it is as it should be."""

UPLOAD = re.compile(r"POST /manager/groups/[\w-]+/imports$")

UNREAD_UPLOAD = (
    "wapiti's form with a file holds no token that can be read: refused (400) with its right token "
    "as with a wrong one"
)
"""Why wapiti sees no difference between tokens where a file is sent."""

REQUEST = re.compile(
    r"\] request\b.*\bmethod=(?P<method>\S+)"
    r".*\broute=(?P<route>'[^']*'|\S+).*\bstatus=(?P<status>\d+)"
)
"""A line of the shop's access log, as it is in development."""


@dataclass(frozen=True, order=True)
class Finding:
    """One finding: how severe, what, and where."""

    severity: str
    what: str
    where: str = ""

    @property
    def explanation(self) -> str:
        """Why this is expected of a shop that is served for a scan; "" if it is not."""
        if "CSRF token" in self.what and UPLOAD.match(self.where):
            return UNREAD_UPLOAD
        return next((why for said, why in EXPECTED.items() if said in self.what), "")


@dataclass
class Report:
    """What one scanner did: what it looked for, its requests, its findings, and what failed."""

    scanner: str
    asked: str
    requests: int = 0
    seconds: float = 0
    findings: set[Finding] = field(default_factory=set)
    not_answered: str = ""

    @property
    def unexplained(self) -> list[Finding]:
        """The findings that are to be mended."""
        return sorted(each for each in self.findings if not each.explanation)

    def lines(self) -> Iterator[str]:
        """Yield the lines of the summary."""
        yield f"{self.scanner}: {self.asked}"
        if self.not_answered:
            yield f"    not answered: {self.not_answered}"
            return
        counted = Counter(each.severity for each in self.unexplained)
        found = ", ".join(f"{counted[name]} {name}" for name in SEVERITIES.values())
        yield f"    {self.requests} requests in {self.seconds:.0f} s; found: {found}"
        for each in self.unexplained:
            yield f"    {each.severity.upper()} {each.what} ({each.where})"
        reasons = Counter((each.what, each.explanation) for each in self.findings)
        for (what, why), number in sorted(reasons.items()):
            if why:
                yield f"    as expected, {number} times: {what}: {why}"


def from_wapiti(written: str) -> set[Finding]:
    """Return the findings of wapiti's report in JSON."""
    report = json.loads(written)
    return {
        Finding(
            SEVERITIES[min(3, max(1, each["level"]))],
            f"{kind}: {each['info']}",
            f"{each['method']} {each['path']}",
        )
        for part in ("vulnerabilities", "anomalies")
        for kind, listed in report[part].items()
        for each in listed
    }


def from_sqlmap(said: str, where: str) -> set[Finding]:
    """Return the findings of what sqlmap printed about one target."""
    found = re.findall(r"^Parameter: (.+)$", said, re.MULTILINE)
    kinds = re.findall(r"^    Type: (.+)$", said, re.MULTILINE)
    return {
        Finding("high", f"SQL injection by {each}: {', '.join(kinds)}", where) for each in found
    }


def from_access_log(lines: Iterable[str]) -> tuple[int, set[Finding]]:
    """Return how many requests the shop's log counts, and the faults among their answers."""
    requests = [found for line in lines if (found := REQUEST.search(line))]
    faults = {
        Finding("high", "the shop failed: 500", f"{each['method']} {each['route']}")
        for each in requests
        if each["status"] == "500"
    }
    return len(requests), faults


def read_from(path: Path, offset: int) -> list[str]:
    """Return the lines of a log that grows, from an offset on."""
    with path.open("rb") as log:
        log.seek(offset)
        return log.read().decode(errors="replace").splitlines()
