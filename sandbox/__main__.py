"""``python -m sandbox``: serve the sandbox described by the environment."""

from __future__ import annotations

import sys

from sandbox.server import serve
from sandbox.settings import SandboxSettings, SandboxSettingsError

if __name__ == "__main__":
    try:
        SandboxSettings.from_environment()
    except SandboxSettingsError as error:
        sys.exit(f"The sandbox cannot start: {error}")
    serve()
