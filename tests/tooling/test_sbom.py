"""The bill of materials is CycloneDX's, and names every package of the lock with its hashes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from shop import VERSION
from tests import ROOT
from tooling import fonts, htmx, sbom

LOCK = (ROOT / "requirements.txt").read_text()


@pytest.fixture
def written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert sbom.main([str(tmp_path / "made" / "sbom.json")]) == 0
    return (tmp_path / "made" / "sbom.json").read_text()


def test_the_bill_keeps_to_the_schema(written: str) -> None:
    # Importing it takes a second, which each process that collects tests would wait.
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    validator = JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str(written) is None
    assert validator.validate_str(written.replace('"SHA-256"', '"SHA-255"', 1)) is not None


def test_the_bill_names_every_package_and_what_pages_load(written: str) -> None:
    components = json.loads(written)["components"]
    pins = re.findall(r"^(\S+?)(?:\[.*?\])?==(\S+)", LOCK, re.MULTILINE)
    expected = {f"pkg:pypi/{name}@{version}" for name, version in pins}
    assert len(expected) > 50
    named = [each["purl"] for each in components]
    assert sorted(named) == sorted(
        {*expected, *(each.url for each in (htmx.PACKAGE, fonts.PACKAGE))}
    )
    assert "pkg:npm/htmx.org@4.0.1" in named
    assert "pkg:npm/%40fontsource-variable/source-sans-3@5.3.1" in named


def test_the_bill_names_the_hash_of_every_file(written: str) -> None:
    hashes = [
        each["content"]
        for component in json.loads(written)["components"]
        for each in component["hashes"]
        if each["alg"] == "SHA-256"
    ]
    assert sorted(hashes) == sorted(re.findall(r"sha256:(\w+)", LOCK))


def test_the_bill_is_of_this_version(written: str) -> None:
    assert json.loads(written)["metadata"]["component"]["version"] == VERSION


def test_without_a_file_the_bill_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert sbom.main([]) == 0
    assert json.loads(capsys.readouterr().out) == sbom.bill()
