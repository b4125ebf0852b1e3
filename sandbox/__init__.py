"""The outside world on one machine: a bank, an Office provider and its portal.

An application of its own, with its own process, address, data and pages. It imports nothing of
the shop and is reached over HTTP only, as the real parties are. `create_sandbox` makes the Flask
application; ``python -m sandbox`` serves it.
"""

from __future__ import annotations

from sandbox.application import create_sandbox

__all__ = ["create_sandbox"]
