"""Installation of Debian packages, where this is possible."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence

from tooling.report import Step, run


def may_install() -> bool:
    """Say whether ``apt-get`` exists and this process is root."""
    return shutil.which("apt-get") is not None and os.geteuid() == 0


def install(packages: Sequence[str], purpose: str) -> None:
    """Install ``packages``. Raises `SetupError` when apt-get fails."""
    apt = "env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300".split()
    with Step(f"{purpose} (Debian: {', '.join(packages)})") as step:
        step.progress("package lists")
        run([*apt, "update"])
        step.progress("packages")
        run([*apt, "install", "--yes", "--no-install-recommends", *packages])
