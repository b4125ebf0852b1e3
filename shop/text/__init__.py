"""Text in and out: names, formats, templates, pages of lists, CSV."""
