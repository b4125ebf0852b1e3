"""Debian's packages, where this machine has them and we may install them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence

from tooling.report import Step, run


def may_install() -> bool:
    """Whether this machine installs Debian's packages and we are its administrator."""
    return shutil.which("apt-get") is not None and os.geteuid() == 0


def install(packages: Sequence[str], purpose: str) -> None:
    """Install ``packages``; raises `SetupError` when Debian cannot."""
    apt = "env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300".split()
    with Step(f"{purpose} (Debian: {', '.join(packages)})") as step:
        step.progress("package lists")
        run([*apt, "update"])
        step.progress("packages")
        run([*apt, "install", "--yes", "--no-install-recommends", *packages])
