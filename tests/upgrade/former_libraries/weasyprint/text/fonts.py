"""The fonts of pages."""


class FontConfiguration:
    """Loads nothing."""
