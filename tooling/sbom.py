"""The software bill of materials: ``python -m tooling.sbom [FILE]``, in CycloneDX's JSON.

It names what a shop is delivered with: the packages of its lock, with the hashes of their files,
and what pages load from npm: htmx and the typeface. Debian's packages are the operator's.
"""

from __future__ import annotations

import base64
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tooling import environment, fonts, htmx
from tooling.release import current_version
from tooling.report import ROOT

SPECIFICATION = "1.6"
NAME = "office-storefront"

REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)([^\\]*)", re.MULTILINE)
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def bill() -> dict[str, Any]:
    """Return the bill of this source tree; the same one each time."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": SPECIFICATION,
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": NAME,
                "name": NAME,
                "version": current_version(),
                "licenses": [{"license": {"id": "MIT"}}],
            }
        },
        "components": [*_packages(environment.RUNTIME.read_text()), *_of_npm()],
    }


def _packages(lock: str) -> Iterator[dict[str, Any]]:
    """Yield each package of a lock, with the SHA-256 of each of its files."""
    starts = list(REQUIREMENT.finditer(lock))
    for found, following in zip(starts, [*starts[1:], None], strict=True):
        name, release = re.sub(r"[-_.]+", "-", found[1]).lower(), found[2]
        text = lock[found.end() : following.start() if following else len(lock)]
        url = f"pkg:pypi/{name}@{release}"
        component: dict[str, Any] = {
            "type": "library",
            "bom-ref": url,
            "name": name,
            "version": release,
            "purl": url,
            "hashes": [{"alg": "SHA-256", "content": each} for each in HASH.findall(text)],
        }
        if only_where := found[3].strip(" ;"):
            component["properties"] = [{"name": f"{NAME}:marker", "value": only_where}]
        yield component


def _of_npm() -> Iterator[dict[str, Any]]:
    """Yield each package that pages load files of, with the hashes of these files."""
    for package, hashes, licence in (
        (htmx.PACKAGE, [htmx.INTEGRITY], "0BSD"),
        (fonts.PACKAGE, fonts.HASHES, "OFL-1.1"),
    ):
        yield {
            "type": "library",
            "bom-ref": package.url,
            "name": package.name,
            "version": package.version,
            "purl": package.url,
            "licenses": [{"license": {"id": licence}}],
            "hashes": [_hash(each) for each in hashes],
        }


def _hash(integrity: str) -> dict[str, str]:
    algorithm, _, digest = integrity.partition("-")
    content = base64.b64decode(digest).hex()
    return {"alg": algorithm.upper().replace("SHA", "SHA-"), "content": content}


def main(arguments: Sequence[str]) -> int:
    """Write the bill to a file, or to standard output; return the exit status."""
    text = json.dumps(bill(), indent=2) + "\n"
    if arguments:
        path = ROOT / arguments[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        print(f"{Path(arguments[0])}: {text.count('bom-ref') - 1} components")
    else:
        print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
