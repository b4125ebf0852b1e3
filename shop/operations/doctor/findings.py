"""What an examination finds, and what the operator should do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is: only faults make the examination fail."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True)
class Finding:
    """The state of one ``subject`` in a sentence; ``cure`` says what to do, "" if nothing."""

    severity: Severity
    subject: str
    said: str
    cure: str = ""


def ok(subject: str, said: str) -> Finding:
    """Return a finding that needs nothing."""
    return Finding(Severity.OK, subject, said)


def warning(subject: str, said: str, cure: str) -> Finding:
    """Return a finding that the shop can live with."""
    return Finding(Severity.WARNING, subject, said, cure)


def fault(subject: str, said: str, cure: str) -> Finding:
    """Return a finding that customers notice, or will."""
    return Finding(Severity.FAULT, subject, said, cure)
