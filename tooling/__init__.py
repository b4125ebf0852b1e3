"""Set-up: what `make` runs before there is an environment. Standard library only."""

OLDEST = (3, 11)
NEWEST = (3, 14)
"""The Pythons that the locked packages have wheels for."""
