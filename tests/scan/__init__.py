"""Scanners made elsewhere, against a shop that is served for them: ``make scan``."""
