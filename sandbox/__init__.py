"""The outside world on one machine: a bank, an Office provider and its portal.

A separate application with its own process, origin, data and pages. It imports nothing from the
shop and is reached over HTTP only, as the real parties are. `create_sandbox` makes the Flask
application; ``python -m sandbox`` serves it.
"""

from __future__ import annotations

from sandbox.application import create_sandbox

__all__ = ["create_sandbox"]
