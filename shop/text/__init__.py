"""Text processing: names, formats, templates, pagination, CSV."""
