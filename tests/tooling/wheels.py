"""Empty wheels, for a folder that replaces the package index."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

NEWER = "9999"
"""A version newer than any pinned one."""


def write_wheel(folder: Path, name: str, version: str) -> str:
    """Write an empty wheel with the installed release's requirements. Return its hash."""
    stem = f"{name.replace('-', '_')}-{version}"
    file = folder / f"{stem}-py3-none-any.whl"
    about = f"{stem}.dist-info"
    tags = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(file, "w") as wheel:
        wheel.writestr(f"{about}/METADATA", _metadata(name, version))
        wheel.writestr(f"{about}/WHEEL", tags)
        wheel.writestr(f"{about}/RECORD", "".join(f"{about}/{n},,\n" for n in FILES))
    return hashlib.sha256(file.read_bytes()).hexdigest()


FILES = ("METADATA", "WHEEL", "RECORD")


def _metadata(name: str, version: str) -> str:
    fields = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    for field in ("Requires-Dist", "Provides-Extra"):
        fields += [f"{field}: {value}" for value in _fields_of_installed(name, field)]
    return "\n".join(fields) + "\n"


def _fields_of_installed(name: str, field: str) -> list[str]:
    try:
        return metadata.metadata(name).get_all(field) or []
    except metadata.PackageNotFoundError:
        return []


def read_lock(file: Path) -> list[Requirement]:
    """Return the requirements that a lock pins."""
    text = file.read_text().replace("\\\n", " ")
    return [Requirement(line.partition(" --hash")[0]) for line in text.splitlines()]


def write_lock(file: Path, pinned: Iterable[Requirement], hashes: dict[str, str]) -> Path:
    """Write a lock of these pins with other hashes. Return its path."""
    lines = [f"{pin} --hash=sha256:{hashes[release(pin)]}\n" for pin in pinned]
    file.write_text("".join(lines))
    return file


def release(pin: Requirement) -> str:
    """Return the pinned release; a package may have several, for different Python versions."""
    return f"{pin.name}{pin.specifier}"


def version_of(pin: Requirement) -> str:
    """Return the only version that a pin allows."""
    (specifier,) = pin.specifier
    assert specifier.operator == "=="
    return specifier.version


def applies(pin: Requirement) -> bool:
    """Return whether a pin applies to this Python on this machine."""
    return pin.marker is None or pin.marker.evaluate()


def installed_in(folder: Path) -> dict[str, str]:
    """Return the versions of the distributions below ``folder``, by name."""
    return {
        found.name: found.version
        for site in {about.parent for about in folder.rglob("*.dist-info")}
        for found in metadata.distributions(path=[str(site)])
    }
