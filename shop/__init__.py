"""What the shop does, one activity a module. Nothing in here speaks HTTP or knows Flask."""

VERSION = "1.1.0"
"""The version of the shop; CHANGELOG.md tells what each brought and asks of operators."""
