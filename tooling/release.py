"""Record this commit as the release that the next one is an upgrade of: ``make release``.

The tests of `tests.upgrade` run its code beside the next release's, and let no migration added from
then on narrow its schema.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from tooling.report import ROOT

RECORD = Path(__file__).parent / "previous_release.cfg"

TEXT = """\
# The release that operators upgrade from. Written by `make release`.
[previous release]
version = {version}
commit = {commit}
migration = {migration}
"""


def main() -> int:
    """Write the record, and say what to do with it; return the exit status."""
    if _git("status", "--porcelain", "--untracked-files=no"):
        print("Commit everything first: the release is what is committed.", file=sys.stderr)
        return 1
    version, commit = current_version(), _git("rev-parse", "HEAD")
    if f"## {version}\n" not in (ROOT / "CHANGELOG.md").read_text():
        print(f"CHANGELOG.md does not tell what {version} brought.", file=sys.stderr)
        return 1
    migration = max(path.stem for path in (ROOT / "migrations").glob("[0-9]*.py"))
    RECORD.write_text(TEXT.format(version=version, commit=commit, migration=migration))
    print(
        f"{RECORD.name} names {version}. Now: git tag {version} {commit}, raise VERSION in "
        "shop/__init__.py, begin its chapter in CHANGELOG.md, and commit all three together."
    )
    return 0


def current_version() -> str:
    """Return the version of this source tree, without importing the shop."""
    for statement in ast.parse((ROOT / "shop" / "__init__.py").read_text()).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "VERSION":
            return str(ast.literal_eval(statement.value))
    raise LookupError("shop/__init__.py names no VERSION")


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
