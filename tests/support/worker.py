"""``flask --app app worker`` in a process forked after all imports."""

from __future__ import annotations

import os

from flask.cli import cli

import app as app  # imported before the fork, once for all workers


def run(environment: dict[str, str]) -> None:
    """Run ``flask worker`` with these environment variables, without output."""
    os.environ.clear()
    os.environ.update(environment)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    cli.main(args=["--app", "app", "worker"])
